"""What to connect to and what to forward: frozen values, checked when they are made."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tunnels.errors import SpecError

if TYPE_CHECKING:
    from pathlib import Path

Answers = Callable[[socket.socket], None]
"""Talks to the far end over a connected socket; raises OSError or ValueError for a wrong answer."""

LOCAL_HOST = "127.0.0.1"
"""The one local address that TCP forwards listen on."""

_MAX_PORT = 65535
_MAX_SOCKET_PATH = 107
"""Bytes: ``sun_path`` of unix(7) holds 108, the closing NUL included."""


@dataclass(frozen=True)
class Target:
    """An account on an SSH server, how to get there, how to log in and how to know the server.

    ``identity_file`` and ``known_hosts`` are a path or several: keys are tried in that order, and
    ``accept_new`` (off unless asked for) writes the key of a host that is not known into the first
    known_hosts file. ``agent`` is the socket of an ssh-agent, whose other keys are tried too unless
    ``identities_only``. ``host_key_alias`` is looked up in known_hosts instead of host and port.

    The way there is direct, through the SSH server ``jump``, or what the shell command
    ``proxy_command`` makes of its stdin and stdout (``%h`` host, ``%p`` port, ``%r`` user,
    ``%%``).

    ``connect_timeout`` (seconds) bounds the TCP connection to each of the host's addresses, then
    handshake and login, then the opening of each forward.

    Every ``alive_interval`` seconds the server is asked for a sign of life; after ``alive_count``
    intervals without any the connection counts as dead, and is opened again. Meanwhile a new
    connection waits up to ``reconnect_wait`` seconds before it is refused. Raises SpecError.
    """

    host: str
    port: int
    user: str
    identity_file: Path | tuple[Path, ...]
    known_hosts: Path | tuple[Path, ...]
    connect_timeout: float = 10.0
    alive_interval: float = 3.0
    alive_count: int = 3
    reconnect_wait: float = 15.0
    agent: Path | None = field(default=None, kw_only=True)
    identities_only: bool = field(default=False, kw_only=True)
    host_key_alias: str = field(default="", kw_only=True)
    accept_new: bool = field(default=False, kw_only=True)
    jump: Target | None = field(default=None, kw_only=True)
    proxy_command: str = field(default="", kw_only=True)

    def __post_init__(self) -> None:
        """Refuse what cannot be connected to."""
        if not self.host or not self.user:
            raise SpecError(f"a target needs a host and a user, not {self!s}")
        _check_port(self.port, lowest=1, what=f"the SSH port of {self.host}")
        if self.connect_timeout <= 0:
            raise SpecError(f"{self}: connect_timeout must be above 0, not {self.connect_timeout}")
        if not self.identity_files and self.agent is None:
            raise SpecError(
                f"{self}: there is neither a key file nor an agent to log in with",
                remedy="name a key file, or start an agent: eval $(ssh-agent) && ssh-add",
            )
        if not self.known_hosts_files:
            raise SpecError(f"{self}: there is no known_hosts file to know the host by")
        if self.jump is not None and self.proxy_command:
            raise SpecError(f"{self}: give a jump host or a proxy command, not both")
        self._check_alive()

    def _check_alive(self) -> None:
        for name, least in (("alive_interval", 0.01), ("alive_count", 1), ("reconnect_wait", 0)):
            value = getattr(self, name)
            if value < least:
                raise SpecError(f"{self}: {name} must be {least} or more, not {value}")

    @property
    def identity_files(self) -> tuple[Path, ...]:
        """The private key files, in the order in which they are tried."""
        return _several(self.identity_file)

    @property
    def known_hosts_files(self) -> tuple[Path, ...]:
        """The known_hosts files; the first is the one that is written."""
        return _several(self.known_hosts)

    @property
    def where(self) -> str:
        """Host and port, as ``host:port`` or ``[IPv6 address]:port``."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"

    def __str__(self) -> str:
        """Print as ``user@host:port``."""
        return f"{self.user}@{self.where}"


@dataclass(frozen=True)
class SocketForward:
    """A UNIX socket of the server, brought out as a UNIX socket here.

    Both paths are absolute. The local directory is made with mode 0700 when it is missing.
    ``answers`` is asked once while the forward opens.

    ``fallback_command`` is for a server that forbids the forwarding of sockets: it is run there for
    each connection, and must carry the socket's bytes on its stdin and stdout. Each takes one of
    the sessions that sshd allows a connection (MaxSessions, 10 by default). For more, up to
    ``spares.LIMIT`` further connections are opened; then clients wait for one to end. Raises
    SpecError.
    """

    remote_path: str
    local_path: Path
    answers: Answers | None = field(default=None, compare=False)
    fallback_command: str | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        """Refuse paths that no socket can have."""
        if not self.remote_path.startswith("/") or "\0" in self.remote_path:
            raise SpecError(f"the remote socket needs an absolute path, not {self.remote_path!r}")
        _check_local_path(self.local_path)

    def __str__(self) -> str:
        """Print as ``local -> remote``."""
        return f"{self.local_path} -> {self.remote_path}"


@dataclass(frozen=True)
class TcpForward:
    """A TCP port that the server can reach, brought out on a loopback port here.

    ``local_port`` 0 takes a free one. ``answers`` is asked once while the forward opens.
    Raises SpecError.
    """

    remote_host: str
    remote_port: int
    local_port: int = 0
    answers: Answers | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        """Refuse ports that do not exist."""
        _check_remote(self.remote_host, self.remote_port)
        _check_port(self.local_port, lowest=0, what="the local port")

    def __str__(self) -> str:
        """Print as ``local -> remote``."""
        local = f"{LOCAL_HOST}:{self.local_port or '*'}"
        return f"{local} -> {self.remote_host}:{self.remote_port}"


@dataclass(frozen=True)
class TcpAsSocketForward:
    """A TCP port that the server can reach, brought out as a UNIX socket here.

    Unlike a loopback port, which every user of this machine can reach, it is closed to all others.
    The local directory is made with mode 0700 when it is missing. ``answers`` is asked once while
    the forward opens. Raises SpecError.
    """

    remote_host: str
    remote_port: int
    local_path: Path
    answers: Answers | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        """Refuse a port that does not exist, and a path that no socket can have."""
        _check_remote(self.remote_host, self.remote_port)
        _check_local_path(self.local_path)

    def __str__(self) -> str:
        """Print as ``local -> remote``."""
        return f"{self.local_path} -> {self.remote_host}:{self.remote_port}"


Forward = SocketForward | TcpForward | TcpAsSocketForward


def _check_remote(host: str, port: int) -> None:
    if not host:
        raise SpecError("a TCP forward needs a remote host")
    _check_port(port, lowest=1, what=f"the remote port on {host}")


def _check_local_path(path: Path) -> None:
    if not path.is_absolute() or "\0" in str(path):
        raise SpecError(f"the local socket needs an absolute path, not {path}")
    length = len(os.fsencode(path))
    if length > _MAX_SOCKET_PATH:
        raise SpecError(
            f"{path} has {length} bytes; a UNIX socket's path has at most {_MAX_SOCKET_PATH}",
            remedy="choose a shorter directory, such as one below /run/user or /tmp",
        )


def _several(paths: Path | tuple[Path, ...]) -> tuple[Path, ...]:
    return paths if isinstance(paths, tuple) else (paths,)


def _check_port(port: int, *, lowest: int, what: str) -> None:
    if not lowest <= port <= _MAX_PORT:
        raise SpecError(f"{what} must be between {lowest} and {_MAX_PORT}, not {port}")
