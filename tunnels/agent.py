"""The keys of an ssh-agent: asked for at the socket that is named, not at one of the environment.

paramiko speaks the agent's protocol (draft-miller-ssh-agent), but its own ``Agent`` knows
``SSH_AUTH_SOCK`` alone, never gives up waiting, and takes an agent that is gone for one without
keys.
"""

from __future__ import annotations

import socket
from contextlib import suppress
from typing import TYPE_CHECKING

from paramiko.agent import AgentSSH

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType
    from typing import Self

_USABLE = ("ssh-ed25519", "ssh-rsa", "ecdsa-sha2-")
"""Beginnings of the key types that paramiko can log in with: no certificates, no security keys."""

_CERTIFICATE = "-cert-v01@openssh.com"


class Agent(AgentSSH):
    """A connection to an agent, whose keys sign as long as it is open."""

    if TYPE_CHECKING:  # what paramiko's type stubs leave out

        def _connect(self, conn: socket.socket) -> None: ...
        def _close(self) -> None: ...

    def __init__(self, path: Path, timeout: float) -> None:
        """Connect and list the keys; each answer may take ``timeout`` seconds.

        A key that asks for confirmation must be confirmed in that time. Raises OSError or
        paramiko.SSHException.
        """
        super().__init__()
        conn = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            conn.settimeout(timeout)
            conn.connect(str(path))
            self._connect(conn)
        except BaseException:
            conn.close()
            raise
        self._keys = tuple(key for key in self.get_keys() if _usable(key.get_name()))

    def close(self) -> None:
        """Close the connection. Calling it again does nothing."""
        with suppress(OSError):
            self._close()

    def __enter__(self) -> Self:
        """Give the agent itself."""
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        """Close the connection."""
        self.close()


def _usable(name: str) -> bool:
    return name.startswith(_USABLE) and not name.endswith(_CERTIFICATE)
