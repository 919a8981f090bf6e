"""What stands behind the sshd in the tests, and what talks to it through the forwards."""

from __future__ import annotations

import os
import socket
import threading
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

PATIENCE = 10.0
"""Seconds after which something that should happen at once counts as not happening."""

STARTING = 60.0
"""Seconds that a program may take to start, or to end, on a machine that is busy."""


class FarEnd:
    """A server behind the sshd: every connection is served by ``serve``, in a thread of its own."""

    def __init__(self, sock: socket.socket, serve: Callable[[socket.socket], None]) -> None:
        self._sock = sock
        self._serve = serve
        self._threads: list[threading.Thread] = []
        self.failures: list[BaseException] = []
        self._acceptor = threading.Thread(target=self._accept, name="far end")
        self._acceptor.start()

    def _accept(self) -> None:
        while True:
            try:
                connection = self._sock.accept()[0]
            except OSError:  # it was shut down
                return
            connection.settimeout(PATIENCE)
            thread = threading.Thread(target=self._run, name="far end", args=(connection,))
            self._threads.append(thread)
            thread.start()

    def _run(self, connection: socket.socket) -> None:
        with connection:
            try:
                self._serve(connection)
            except BaseException as error:  # noqa: BLE001 - the test looks at it
                self.failures.append(error)

    def close(self) -> None:
        with suppress(OSError):
            self._sock.shutdown(socket.SHUT_RDWR)
        self._sock.close()
        for thread in [self._acceptor, *self._threads]:
            thread.join(PATIENCE)


def echo(connection: socket.socket) -> None:
    """Send back what comes, until the end of file."""
    while data := connection.recv(65536):
        connection.sendall(data)


def echo_until_lost(connection: socket.socket) -> None:
    """Echo, where the tunnel's end may be what ends it."""
    with suppress(ConnectionError):
        echo(connection)


def read_all(sock: socket.socket) -> bytes:
    """Read to the end of file."""
    parts = []
    while data := sock.recv(1 << 20):
        parts.append(data)
    return b"".join(parts)


def read_exactly(sock: socket.socket, count: int) -> bytes:
    data = b""
    while len(data) < count:
        part = sock.recv(count - len(data))
        assert part, f"the end of file came after {len(data)} of {count} bytes"
        data += part
    return data


def dial(address: Path | tuple[str, int]) -> socket.socket:
    """Connect to a forward's local address."""
    family = socket.AF_UNIX if isinstance(address, Path) else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    sock.settimeout(PATIENCE)
    try:
        sock.connect(os.fspath(address) if isinstance(address, Path) else address)
    except OSError:
        sock.close()
        raise
    return sock
