"""The near ends of forwards: loopback ports, and UNIX sockets that no other user can reach.

A UNIX socket is made in a directory that only its owner can enter, and is 0600 from the moment it
exists. No directory above may be one in which somebody else could put another in its place. The
directory is held by a descriptor and locked while we look and bind, so that of two programs that
start at once one does not take the other's new socket for a leftover.
"""

from __future__ import annotations

import errno
import fcntl
import os
import socket
import stat
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from tunnels.errors import LocalAddressError
from tunnels.log import LOG
from tunnels.specs import LOCAL_HOST

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from socket import socket as Socket  # noqa: N812 - listeners have an attribute of that name

_BACKLOG = 256
"""Connections that may wait to be accepted: two hundred clients at once do not notice."""

_OTHERS = stat.S_IRWXG | stat.S_IRWXO
_WRITABLE_BY_OTHERS = stat.S_IWGRP | stat.S_IWOTH
_ROOT = 0


class _Listener:
    """A listening socket that does not block."""

    socket: Socket

    def __init__(self) -> None:
        self._spare = _spare_descriptor()

    def accept(self) -> Socket | None:
        """Accept a connection; None when there is none to be had."""
        try:
            return self.socket.accept()[0]
        except (BlockingIOError, ConnectionAbortedError):
            return None
        except OSError as error:
            if error.errno not in {errno.EMFILE, errno.ENFILE}:
                raise
            self._turn_away()
            return None

    def _turn_away(self) -> None:
        """Close a connection for which there is no descriptor, by means of the spare one.

        Left in the queue it would keep the socket readable, and the loop busy with it.
        """
        LOG.error("no file descriptor is left: a connection to %s is turned away", self.socket)
        self._drop_spare()
        with suppress(OSError):
            self.socket.accept()[0].close()
        self._spare = _spare_descriptor()

    def _drop_spare(self) -> None:
        if self._spare is not None:
            os.close(self._spare)
            self._spare = None

    def close(self) -> None:
        """Stop listening."""
        self.socket.close()
        self._drop_spare()


def _spare_descriptor() -> int | None:
    """Open something of no use; None when somebody else has taken the last descriptor."""
    with suppress(OSError):
        return os.open(os.devnull, os.O_RDONLY)
    return None


class TcpListener(_Listener):
    """Listens on a port of 127.0.0.1."""

    def __init__(self, port: int) -> None:
        """Take ``port``, or a free one for 0. Raises LocalAddressError."""
        try:
            self.socket = socket.create_server((LOCAL_HOST, port), backlog=_BACKLOG)
        except OSError as error:
            raise LocalAddressError(
                f"port {port} of {LOCAL_HOST} cannot be had: {error.strerror}",
                remedy=f"take local_port 0 (a free one), or see who has it: ss -ltnp sport :{port}",
            ) from error
        self.socket.settimeout(0)
        self.address: tuple[str, int] = self.socket.getsockname()
        super().__init__()

    def accept(self) -> Socket | None:
        """Accept a connection; None when there is none to be had."""
        local = super().accept()
        if local is not None:
            local.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return local

    def is_in_place(self) -> bool:
        """Whether clients can still reach it: nobody can take a port away."""
        return True


class SocketListener(_Listener):
    """Listens on a UNIX socket, and removes it when closed."""

    def __init__(self, path: Path) -> None:
        """Make the socket at ``path``, and its directory when that is missing.

        A socket of ours that nobody listens on is a leftover and is replaced; any other file,
        symbolic links included, is left alone. Raises LocalAddressError.
        """
        self.address = path
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            with _locked(_private_directory(path.parent)) as directory:
                _remove_leftover(path, directory)
                self._listen(path, directory)
        except OSError as error:
            self.socket.close()
            raise LocalAddressError(
                f"the socket {path} cannot be made: {error.strerror}",
                remedy=f"choose another path, or look at: ls -la {path.parent}",
            ) from error
        except BaseException:
            self.socket.close()
            raise
        super().__init__()

    def _listen(self, path: Path, directory: int) -> None:
        # On Linux a socket's file takes over the mode of its descriptor: it is at no moment wider,
        # and there is no umask to set, which would be set for every thread of the process.
        os.fchmod(self.socket.fileno(), stat.S_IRUSR | stat.S_IWUSR)
        self.socket.bind(os.fspath(path))
        made = _status(path, directory)
        if made is None:
            raise LocalAddressError(
                f"{path.parent} was replaced by another directory while the socket was made",
                remedy=f"see who changes it: ls -lad {path.parent} {path.parent.parent}",
            )
        self._identity = made.st_dev, made.st_ino
        self.socket.listen(_BACKLOG)
        self.socket.settimeout(0)

    def is_in_place(self) -> bool:
        """Whether clients can still reach it: the file is the one that was made.

        Its inode cannot be another's meanwhile: a bound socket holds it (unix(7)).
        """
        try:
            status = self.address.lstat()
        except OSError:  # the file, or its directory
            return False
        return (status.st_dev, status.st_ino) == self._identity

    def close(self) -> None:
        """Stop listening and remove the file, unless somebody has put another in its place."""
        ours = self.is_in_place()
        super().close()
        if ours:
            self.address.unlink(missing_ok=True)


def _private_directory(directory: Path) -> int:
    """Open ``directory``, made 0700 if it is missing; only if nobody else can enter or move it."""
    _make(directory)
    _check_above(directory)
    try:
        descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError as error:
        if error.errno not in {errno.ELOOP, errno.ENOTDIR}:
            raise
        raise LocalAddressError(
            f"{directory} is no directory, or a symbolic link, and is not followed",
            remedy=f"give the real directory: readlink -f {directory}",
        ) from error
    try:
        _check_private(directory, os.fstat(descriptor))
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def _make(directory: Path) -> None:
    if not directory.parent.exists():
        _make(directory.parent)
    with suppress(FileExistsError):
        directory.mkdir(mode=stat.S_IRWXU)


def _check_above(directory: Path) -> None:
    """Refuse a place where others could exchange the directory, or a link that leads to it."""
    above = dict.fromkeys([*directory.parents, *directory.resolve().parents])
    for parent in above:
        status = parent.lstat()
        link, sticky = stat.S_ISLNK(status.st_mode), status.st_mode & stat.S_ISVTX
        writable = status.st_mode & _WRITABLE_BY_OTHERS and not link and not sticky
        if writable or status.st_uid not in {_ROOT, os.geteuid()}:
            raise LocalAddressError(
                f"others could replace {directory}: {parent} belongs to user {status.st_uid} and "
                f"has mode {stat.S_IMODE(status.st_mode):04o}",
                remedy="choose a directory below one of your own, such as $XDG_RUNTIME_DIR or /tmp",
            )


def _check_private(directory: Path, status: os.stat_result) -> None:
    if status.st_uid != os.geteuid():
        raise LocalAddressError(
            f"the directory {directory} belongs to user {status.st_uid}, who could put another "
            "socket there",
            remedy="choose a directory of your own, or one that does not exist yet",
        )
    if status.st_mode & _OTHERS:
        raise LocalAddressError(
            f"the directory {directory} is open to others "
            f"(mode {stat.S_IMODE(status.st_mode):04o})",
            remedy=f"chmod 700 {directory}, or choose one that does not exist yet",
        )


@contextmanager
def _locked(descriptor: int) -> Iterator[int]:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield descriptor
    finally:
        os.close(descriptor)  # which also unlocks


def _status(path: Path, directory: int) -> os.stat_result | None:
    """Look at the file in the directory we hold, wherever its path may lead by now."""
    with suppress(FileNotFoundError):
        return os.stat(path.name, dir_fd=directory, follow_symlinks=False)
    return None


def _remove_leftover(path: Path, directory: int) -> None:
    status = _status(path, directory)
    if status is None:
        return
    if not stat.S_ISSOCK(status.st_mode) or status.st_uid != os.geteuid():
        raise LocalAddressError(
            f"{path} exists and is no socket of ours; it is left alone",
            remedy=f"look at it, then move it away or choose another path: ls -l {path}",
        )
    if _somebody_listens(path):
        raise LocalAddressError(
            f"{path} is in use: somebody listens on it",
            remedy=f"close the other program, or choose another path: ss -xlp src {path}",
        )
    os.unlink(path.name, dir_fd=directory)


def _somebody_listens(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(0)
        try:
            probe.connect(os.fspath(path))
        except ConnectionRefusedError:
            return False
        except BlockingIOError:  # somebody listens, and is behind with accepting
            return True
        return True
