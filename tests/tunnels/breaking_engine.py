"""An engine that answers a request in the middle of which its client's connection is killed."""

from __future__ import annotations

import json
import struct
from contextlib import suppress
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

_FRAME = struct.Struct(">BxxxL")


def as_json(value: object) -> bytes:
    """Answer as the engine mostly does: a length, then the body."""
    body = json.dumps(value).encode()
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)


def as_head(headers: str) -> bytes:
    """Answer with nothing but ``headers``."""
    return f"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n{headers}\r\n".encode()


def in_chunks(*pieces: bytes, headers: str = "") -> bytes:
    """Answer as for a body whose length the engine does not know beforehand."""
    chunks = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in (*pieces, b""))
    return f"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n{headers}\r\n".encode() + chunks


def as_stream(*payloads: bytes) -> bytes:
    """Answer with a process's output (Docker Engine API, "ContainerAttach: Stream format")."""
    frames = b"".join(_FRAME.pack(1, len(payload)) + payload for payload in payloads)
    return b"HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n" + frames


class BreakingEngine:
    """Says what ``answers`` has for a request; ``cut`` is the one it is killed in, and where."""

    def __init__(self, break_it: Callable[[int], None]) -> None:
        """Tell ``break_it``, which kills the connection to the client, how much was sent in all.

        It is to wait until all of it has arrived.
        """
        self.answers: dict[str, bytes] = {
            "GET /version": as_json({"ApiVersion": "1.41", "Version": "20"})
        }
        self.cut: tuple[str, bytes] | None = None
        self.asked: list[str] = []
        self._break = break_it
        self._sent = 0

    def serve(self, connection: socket.socket) -> None:
        """Answer one request after another."""
        with suppress(ConnectionError), connection.makefile("rb") as requests:
            while line := requests.readline():
                method, path, _ = line.decode().split(" ")
                self._read_on(requests)
                name = f"{method} {path.partition('?')[0].removeprefix('/v1.41')}"
                self.asked.append(name)
                if not self._answer(connection, name):
                    return

    def _answer(self, connection: socket.socket, name: str) -> bool:
        """Answer; tell whether the connection lives on."""
        answer = self.answers[name]
        if self.cut is None or self.cut[0] != name:
            self._send(connection, answer)
            return b" 101 " not in answer
        _, mark = self.cut
        self.cut = None
        self._send(connection, answer.partition(mark)[0] + mark)
        self._break(self._sent)
        while connection.recv(1):
            pass
        return False

    def _send(self, connection: socket.socket, data: bytes) -> None:
        self._sent += len(data)
        connection.sendall(data)

    @staticmethod
    def _read_on(requests: BinaryIO) -> None:
        length = 0
        while header := requests.readline().strip():
            name, _, value = header.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
        requests.read(length)
