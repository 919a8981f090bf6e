"""A target as an ssh_config(5) file describes it: the host that ``ssh -F FILE ALIAS`` reaches.

OpenSSH itself reads the file (``ssh -G``), so that patterns, ``Match``, ``Include``, tokens,
environment variables and the order of precedence are its own. paramiko's SSHConfig is not used: it
passes over ``Include`` and over keywords that nobody knows, lets a ``Match`` apply whose criterion
it does not know, and takes comments behind a value for a part of it. As with ``-F``, the
system-wide file is not read. tests/tunnels/test_tunnels_ssh_config.py keeps these facts.

Followed: Host, Match, Include, HostName, User, Port, IdentityFile, IdentitiesOnly, IdentityAgent,
ProxyJump, ProxyCommand, UserKnownHostsFile, GlobalKnownHostsFile, HostKeyAlias,
StrictHostKeyChecking (``yes`` and ``ask``: a host must be known; ``accept-new``; ``no`` and ``off``
are refused), ServerAliveInterval and ServerAliveCountMax, ConnectTimeout, and the
Canonical… family as far as it changes HostName. The default for signs of life is 3 s, three times,
where ssh asks for none; an interval of 0 cannot be told from none.

Passed over, because it has no bearing on a connection that carries forwards alone: what shells,
terminals, X11, the agent's forwarding, logs, shared connections and other ways to log in would
do; and LocalForward and the like, which are not opened. HashKnownHosts is among it: the names of
new hosts are written as they are.

Refused, when the file gives it another value than its default: everything else, such as
BindAddress, Ciphers, RevokedHostKeys or KnownHostsCommand. It would change which host is reached,
or how safely.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tunnels.errors import SpecError, SshConfigError
from tunnels.openssh import defaults, settings_for
from tunnels.specs import Target
from tunnels.ssh_keywords import check
from tunnels.ssh_tokens import expand, expand_command

if TYPE_CHECKING:
    from tunnels.openssh import Settings
    from tunnels.ssh_tokens import Words

_USABLE_KEYS = ("id_ed25519", "id_ecdsa", "id_rsa")
"""Of the files that OpenSSH tries by default, those whose kind of key we can use."""

_MOST_JUMPS = 8

# ProxyJump of ssh_config(5): [user@]host[:port] or a URI of the same; brackets for an IPv6 address.
_HOP = re.compile(
    r"(ssh://)?((?P<user>[^@]+)@)?(\[(?P<ipv6>[^]]+)\]|(?P<host>[^:]+))(:(?P<port>\d+))?/?"
)


def target_from_config(
    alias: str,
    config: Path,
    *,
    user: str = "",
    port: int = 0,
    **explicit: Any,  # noqa: ANN401 - as for dataclasses.replace
) -> Target:
    """Describe the host that ``ssh -F config -l user -p port alias`` reaches.

    What is given explicitly (``user``, ``port`` and any other field of Target) wins over the file;
    it concerns the target alone, not the hosts on the way there. Raises SshConfigError, or
    SpecError for a value that no target can have.
    """
    options = [*(["-l", user] if user else []), *(["-p", str(port)] if port else [])]
    try:
        fields = _fields(alias, config.absolute(), options, _MOST_JUMPS)
        return Target(**{**fields, **explicit})
    except SpecError as error:
        error.at(f"{config}: host {alias}")
        raise


def _fields(alias: str, config: Path, options: list[str], jumps: int) -> dict[str, Any]:
    settings = settings_for(alias, config, options)
    check(settings)
    words = _words(alias, settings)
    return {
        "host": settings["hostname"][0],
        "port": int(settings["port"][0]),
        "user": settings["user"][0],
        "identity_file": _identities(settings, words),
        "known_hosts": _known_hosts(settings),
        "agent": _agent(settings),
        "identities_only": settings["identitiesonly"] == ["yes"],
        "host_key_alias": _one(settings, "hostkeyalias"),
        "accept_new": _accepts_new(settings),
        "jump": _jump(_one(settings, "proxyjump"), words, config, jumps),
        "proxy_command": expand_command(_one(settings, "proxycommand"), alias),
        **_timing(settings),
    }


def _words(alias: str, settings: Settings) -> Words:
    host = settings["hostname"][0]
    return {
        "h": host,
        "k": _one(settings, "hostkeyalias") or host,
        "n": alias,
        "p": settings["port"][0],
        "r": settings["user"][0],
    }


def _one(settings: Settings, keyword: str) -> str:
    """Give the value of a keyword that may be missing, or ``none``, which is as good."""
    value = settings.get(keyword, [""])[0]
    return "" if value.lower() == "none" else value


def _identities(settings: Settings, words: Words) -> tuple[Path, ...]:
    named = settings.get("identityfile", [])
    paths = tuple(Path(expand(name, words)) for name in named if name.lower() != "none")
    if named == defaults().get("identityfile"):
        return tuple(path for path in paths if path.name in _USABLE_KEYS and path.exists())
    return paths


def _known_hosts(settings: Settings) -> tuple[Path, ...]:
    # ssh has filled them in, and prints them in one line without quotes: a blank cannot be told.
    named = f"{_one(settings, 'userknownhostsfile')} {_one(settings, 'globalknownhostsfile')}"
    return tuple(Path(name) for name in named.split())


def _accepts_new(settings: Settings) -> bool:
    """Tell whether new hosts are written down; never into the system's own file."""
    own = _one(settings, "userknownhostsfile")
    return bool(own) and settings["stricthostkeychecking"] == ["accept-new"]


def _agent(settings: Settings) -> Path | None:
    name = settings.get("identityagent", ["SSH_AUTH_SOCK"])[0]
    if name == "none":
        return None
    if name == "SSH_AUTH_SOCK" or re.fullmatch(r"\$\w+", name):
        name = os.environ.get(name.removeprefix("$"), "")
    return Path(name) if name else None


def _timing(settings: Settings) -> dict[str, Any]:
    """Take over what the file sets; the fields' own defaults are better than ssh's."""
    timing: dict[str, Any] = {"alive_count": int(settings["serveralivecountmax"][0])}
    if _one(settings, "connecttimeout"):
        timing["connect_timeout"] = float(settings["connecttimeout"][0])
    if settings["serveraliveinterval"] != ["0"]:
        timing["alive_interval"] = float(settings["serveraliveinterval"][0])
    return timing


def _jump(chain: str, words: Words, config: Path, jumps: int) -> Target | None:
    """Describe the last host of ``chain``, which is reached through those before it."""
    if not chain:
        return None
    if not jumps:
        raise SshConfigError(
            f"more than {_MOST_JUMPS} jump hosts: they lead in a circle",
            remedy="say 'ProxyJump none' for the first of them",
        )
    earlier, _, last = expand(chain, words).rpartition(",")
    hop = _HOP.fullmatch(last)
    if hop is None:
        raise SshConfigError(f"'{last}' is no jump host", remedy="write it as user@host:port")
    options = ["-J", earlier] if earlier else []
    options += ["-l", hop["user"]] if hop["user"] else []
    options += ["-p", hop["port"]] if hop["port"] else []
    try:
        return Target(**_fields(hop["ipv6"] or hop["host"], config, options, jumps - 1))
    except SpecError as error:
        error.at(f"jump host {last}")
        raise
