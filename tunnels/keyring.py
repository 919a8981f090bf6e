"""Which keys a target is offered, and in which order: that of OpenSSH (ssh.c's sshconnect2.c).

First the agent's keys that an identity file names, then its other keys unless ``identities_only``,
then what the files alone have. A key that the agent holds is never asked for on the terminal.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import paramiko

from tunnels.agent import Agent
from tunnels.errors import IdentityEncryptedError, IdentityMissingError, TunnelError
from tunnels.identity import Identity, read_identity
from tunnels.log import LOG

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import TracebackType
    from typing import Self

    from paramiko.agent import AgentKey

    from tunnels.specs import Target


@dataclass(frozen=True)
class Offer:
    """One key to try: held by the agent, or an identity that may still be locked."""

    told: str
    held: AgentKey | Identity = field(repr=False)

    def key(self) -> paramiko.PKey:
        """Give the key that signs. Raises IdentityEncryptedError."""
        return self.held.unlocked() if isinstance(self.held, Identity) else self.held


class Keyring:
    """The keys to try for one target, read before anything is sent to it."""

    def __init__(self, target: Target) -> None:
        """Read the files, ask the agent, and unlock the first key.

        Raises IdentityError; a key that is missing, or cannot be unlocked, is passed over while
        there is another.
        """
        self._target = target
        self._missing: list[IdentityMissingError] = []
        self._agent: Agent | None = None
        files = self._read_files()
        try:
            self.offers = _ordered(self._ask_agent(), files, only=target.identities_only)
            self._require_one()
            self._unlock_first()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Let go of the agent. Calling it again does nothing."""
        if self._agent is not None:
            self._agent.close()

    def __enter__(self) -> Self:
        """Give the keyring itself."""
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        """Let go of the agent."""
        self.close()

    def _read_files(self) -> list[Identity]:
        files = []
        for path in self._target.identity_files:
            try:
                files.append(read_identity(path))
            except IdentityMissingError as error:
                LOG.info("%s: %s", self._target, error.message)
                self._missing.append(error)
        return files

    def _ask_agent(self) -> tuple[AgentKey, ...]:
        path = self._target.agent
        if path is None:
            return ()
        try:
            self._agent = Agent(path, self._target.connect_timeout)
        except (OSError, paramiko.SSHException) as error:
            LOG.info("%s: the agent at %s does not answer: %s", self._target, path, error)
            self._missing.append(
                IdentityMissingError(
                    f"the agent at {path} does not answer: {error}",
                    remedy="start one, and give it the key: eval $(ssh-agent) && ssh-add",
                )
            )
            return ()
        return self._agent.get_keys()

    def _require_one(self) -> None:
        if self.offers:
            return
        if len(self._missing) == 1:
            raise self._missing[0]
        told = "; ".join(error.message for error in self._missing) or "the agent has none of them"
        raise IdentityMissingError(
            f"{self._target}: there is no key to log in with: {told}",
            remedy="see what the agent has: ssh-add -l; give it a key: ssh-add FILE",
        )

    def _unlock_first(self) -> None:
        try:
            self.offers[0].key()
        except IdentityEncryptedError as error:
            if len(self.offers) == 1:
                raise
            LOG.info("%s: %s", self._target, error.message)
            self.offers = self.offers[1:]
            self._unlock_first()


def _ordered(
    agent: Iterable[AgentKey], files: Iterable[Identity], *, only: bool
) -> tuple[Offer, ...]:
    held = {key.asbytes(): key for key in agent}
    offers, others = [], []
    for file in files:
        key = held.pop(file.public, None) if file.public else None
        if key is not None:
            offers.append(Offer(f"{file.path} (in the agent)", key))
        elif not file.only_public:
            others.append(Offer(str(file.path), file))
    if not only:
        offers += [Offer(f"the agent's key {key.comment}", key) for key in held.values()]
    return (*offers, *others)


def unlock(targets: Iterable[Target]) -> None:
    """Ask for the passphrases that ``targets``, and the hosts on the way there, need first.

    For who opens many at once: here the questions come one after another, on the caller's thread,
    where Ctrl-C ends them. What goes wrong is told by the connection itself.
    """
    seen = set()
    for target in targets:
        hop: Target | None = target
        while hop is not None:
            keys = hop.identity_files, hop.agent, hop.identities_only
            if keys not in seen:
                seen.add(keys)
                with suppress(TunnelError), Keyring(hop):
                    pass
            hop = hop.jump
