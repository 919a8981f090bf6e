"""Who answers behind the sshd: a program that serves pings and loads, on TCP and a UNIX socket.

    python -m cluster_tests.bench.far_end DIRECTORY

prints the addresses as a line of JSON and serves until it is terminated. A connection that begins
with ``GET`` is asked and answered like an engine's ``/_ping``, as often as the client likes; one
that begins with ``down N`` or ``up N`` is sent or sends N bytes, once.
"""

from __future__ import annotations

import json
import socket
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cluster_tests.bench.client import REQUEST, UNIT

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Self

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nOK"
_ENGINE = Path("/var/run/docker.sock")


@dataclass(frozen=True)
class Addresses:
    """Where the program serves."""

    socket: Path
    port: int

    @classmethod
    def from_line(cls, line: str) -> Self:
        """Read what the program prints."""
        found = json.loads(line)
        return cls(Path(found["socket"]), found["port"])


def engine() -> Path | None:
    """Find a Docker engine on this machine that answers a ping; None when there is none."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
        sock.settimeout(1)
        try:
            sock.connect(str(_ENGINE))
            sock.sendall(REQUEST)
            return _ENGINE if sock.recv(4096).startswith(b"HTTP/1.1 200 ") else None
        except OSError:
            return None


def main() -> None:
    """Serve until terminated."""
    port = socket.create_server(("127.0.0.1", 0), backlog=256)
    path = Path(sys.argv[1], "far.sock")
    file = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    file.bind(str(path))
    file.listen(256)
    sys.stdout.write(json.dumps({"socket": str(path), "port": port.getsockname()[1]}) + "\n")
    sys.stdout.flush()
    threading.Thread(target=_accept, args=(file,), daemon=True).start()
    _accept(port)


def _accept(listener: socket.socket) -> None:
    while True:
        connection = listener.accept()[0]
        if connection.family == socket.AF_INET:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        threading.Thread(target=_serve, args=(connection,), daemon=True).start()


def _serve(connection: socket.socket) -> None:
    with connection:
        request = connection.recv(4096)
        if request.startswith(b"GET "):
            _answer(connection, request)
        elif request:
            word, count = request.split()
            _LOADS[word](connection, int(count))


def _answer(connection: socket.socket, request: bytes) -> None:
    # The client waits for each answer, and its requests come in one piece.
    while request:
        connection.sendall(ANSWER)
        request = connection.recv(4096)


def _down(connection: socket.socket, count: int) -> None:
    unit = memoryview(bytes(UNIT))
    for start in range(0, count, UNIT):
        connection.sendall(unit[: count - start])


def _up(connection: socket.socket, count: int) -> None:
    connection.sendall(b"\n")  # the way is open: the client may start its clock
    room = bytearray(UNIT)
    while count > 0:
        received = connection.recv_into(room)
        if not received:
            return
        count -= received
    connection.sendall(b"\n")


_LOADS: dict[bytes, Callable[[socket.socket, int], None]] = {b"down": _down, b"up": _up}

if __name__ == "__main__":
    main()
