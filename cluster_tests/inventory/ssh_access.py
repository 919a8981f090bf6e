"""How one host is reached over SSH: by what the inventory says, or by an ssh_config it names."""

from __future__ import annotations

import os
import shlex
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, ValidationInfo, field_validator

from cluster_tests.inventory.values import (
    LocalFile,
    Name,
    Port,
    PrivateFile,
    Seconds,
    Section,
    beside_the_file,
    readable,
)
from tunnels import Target, TunnelError, target_from_config

_NEEDED = ("user", "known_hosts")
_AGENT = "SSH_AUTH_SOCK"


def _known_hosts(path: Path, info: ValidationInfo) -> Path:
    """Want the file, unless it is to be made with the first new host."""
    return path if info.data.get("accept_new") else readable(path)


KnownHosts = Annotated[Path, BeforeValidator(beside_the_file), AfterValidator(_known_hosts)]


class SshAccess(Section):
    """How one host is reached: key login only, host key known beforehand unless ``accept_new``.

    ``agent`` asks the ssh-agent of ``SSH_AUTH_SOCK``. With ``config``, ``host`` is an alias of that
    ssh_config, and what is written here wins over what it says; ``tunnels.ssh_config`` tells which
    keywords are followed.
    """

    host: Name
    port: Port | None = None
    user: Name | None = None
    identity_file: PrivateFile | None = None
    agent: bool = False
    accept_new: bool = False
    known_hosts: KnownHosts | None = None
    config: LocalFile | None = None  # the last one: it is checked together with the others

    @field_validator("agent")
    @classmethod
    def _agent_is_known(cls, agent: bool) -> bool:  # noqa: FBT001 - pydantic's signature
        if agent and not os.environ.get(_AGENT):
            raise ValueError(
                f"the variable {_AGENT} is not set; start an agent: eval $(ssh-agent) && ssh-add"
            )
        return agent

    @field_validator("config")
    @classmethod
    def _config_can_be_followed(cls, config: Path | None, info: ValidationInfo) -> Path | None:
        if config is not None and info.data.get("host"):
            try:
                _target(info.data | {"config": config})
            except TunnelError as error:
                remedy = f"; to mend it: {error.remedy}" if error.remedy else ""
                raise ValueError(error.message + remedy) from error
        return config

    def target(self, connect_timeout: Seconds | None) -> Target:
        """Describe the host for the tunnels; None leaves the timeout to the ssh_config.

        Raises TunnelError when the ssh_config was changed since and cannot be followed now.
        """
        more = {} if connect_timeout is None else {"connect_timeout": connect_timeout}
        return _target(dict(self), **more)

    @property
    def words(self) -> list[str]:
        """The command line that logs in, as words: ssh(1), with what the entry says alone."""
        words = ["ssh", "-F", str(self.config or "none")]
        words += ["-p", str(self.port or 22)] if self.port or not self.config else []
        words += ["-i", str(self.identity_file)] if self.identity_file else []
        one_key = self.identity_file and not (self.agent or self.config)
        words += ["-o", "IdentitiesOnly=yes"] if one_key else []
        words += ["-o", f'UserKnownHostsFile="{self.known_hosts}"'] if self.known_hosts else []
        return [*words, f"{self.user}@{self.host}" if self.user else self.host]

    @property
    def command(self) -> str:
        """The command line that logs in, for a shell."""
        return shlex.join(self.words)


def _target(values: dict[str, Any], **more: float) -> Target:
    """Make a target of an entry's values, as far as they are valid."""
    given: dict[str, Any] = dict(more)
    for key in ("identity_file", "known_hosts"):
        if values.get(key):
            given[key] = values[key]
    if values.get("agent"):
        given["agent"] = Path(os.environ[_AGENT])
    if values.get("accept_new"):
        given["accept_new"] = True
    user, port = values.get("user") or "", values.get("port") or 0
    if values["config"]:
        return target_from_config(values["host"], values["config"], user=user, port=port, **given)
    return Target(values["host"], port or 22, user, **{"identity_file": (), **given})


def missing_ways_in(nodes: Any) -> list[tuple[str, str]]:  # noqa: ANN401 - raw YAML
    """List ``(node, key)`` for each key that an entry without ``config`` needs and has not.

    Works on what the file holds, so that it is reported next to what pydantic refuses.
    """
    missing = []
    for name, entry in nodes.items() if isinstance(nodes, dict) else ():
        ssh = entry.get("ssh") if isinstance(entry, dict) else None
        if isinstance(ssh, dict) and "config" not in ssh:
            missing += [(str(name), key) for key in _NEEDED if key not in ssh]
            if "identity_file" not in ssh and not ssh.get("agent"):
                missing.append((str(name), "identity_file"))
    return missing
