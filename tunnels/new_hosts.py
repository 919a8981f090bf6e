"""Writes down the key of a host that is not known yet: ``accept-new`` of ssh_config(5).

Only when a target asks for it, and only for a host of which nothing is known: neither another key
nor a certificate authority.
"""

from __future__ import annotations

import base64
import fcntl
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from paramiko import Message

from tunnels.errors import HostKeyUnknownError, KnownHostsError
from tunnels.known_hosts import KnownHosts, fingerprint
from tunnels.log import LOG

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tunnels.known_hosts import Host


def accept(path: Path, host: Host, key: bytes) -> None:
    """Add ``host`` with ``key`` to the known_hosts file ``path``; made 0600 when it is missing.

    The line is added in one write, under a lock that all of us take: of several connections to a
    new host at one time the first decides, and the others are checked against it. Raises
    HostKeyError.
    """
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with _locked(path) as file:
            _append(file, path, host, key)
    except OSError as error:
        raise KnownHostsError(
            f"the new host {host.name} cannot be written into {path}: {error.strerror}",
            remedy=f"see that you may write it: ls -l {path}",
        ) from error


def _append(file: int, path: Path, host: Host, key: bytes) -> None:
    try:
        KnownHosts(path).verify(host, key)
    except HostKeyUnknownError:
        key_type = Message(key).get_text()
        line = f"{host.name} {key_type} {base64.b64encode(key).decode()}\n"
        os.write(file, (_end_of_last_line(file) + line).encode())
        LOG.warning("%s is new: its key %s is now in %s", host.name, fingerprint(key), path)


def _end_of_last_line(file: int) -> str:
    """Give the line end that a hand-written last line may lack."""
    size = os.fstat(file).st_size
    return "\n" if size and os.pread(file, 1, size - 1) != b"\n" else ""


@contextmanager
def _locked(path: Path) -> Iterator[int]:
    file = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield file
    finally:
        os.close(file)  # which also unlocks
