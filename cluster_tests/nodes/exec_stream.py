"""A process in a container, with its stdin and its multiplexed output, over the engine's socket.

The engine upgrades the connection of ``POST /exec/ID/start`` to a raw stream (Docker Engine API,
"ExecStart" and "ContainerAttach: Stream format"): what is written goes to the process's stdin;
what is read are frames of an 8-byte header (stream 1 or 2, three zeros, the payload's length as a
big-endian 32-bit number) and a payload. The Docker SDK hands out a socket whose first bytes may
already have been swallowed by its HTTP reader, so the upgrade is done here.
"""

from __future__ import annotations

import contextlib
import json
import re
import socket
import struct
import time
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType

_HEADER = struct.Struct(">BxxxL")
_READ = 65536
_LONGEST_HEAD = 65536
_CONTENT_LENGTH = re.compile(rb"^content-length: *(\d+)", re.IGNORECASE | re.MULTILINE)
_SWITCHING_PROTOCOLS = b" 101 "
STDOUT, STDERR = 1, 2


class Frames:
    """Takes the stream in pieces of any size, gives its frames."""

    def __init__(self) -> None:
        """Begin at a frame's boundary."""
        self._pending = b""

    def feed(self, data: bytes) -> Iterator[tuple[int, bytes]]:
        """Yield ``(stream, payload)`` for each frame that ``data`` completes."""
        self._pending += data
        while len(self._pending) >= _HEADER.size:
            stream, length = _HEADER.unpack_from(self._pending)
            end = _HEADER.size + length
            if len(self._pending) < end:
                return
            payload, self._pending = self._pending[_HEADER.size : end], self._pending[end:]
            yield stream, payload


class ExecStream:
    """The two ends of one exec'ed process; closing it gives the process EOF on its stdin."""

    def __init__(self, socket_path: str, exec_id: str, timeout: float) -> None:
        """Start the exec that was created as ``exec_id``; ``timeout`` is seconds for its answer.

        Raises ``OSError`` when the engine does not answer, or answers anything but the upgrade.
        """
        self.exec_id = exec_id
        self._frames = Frames()
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            self._socket.settimeout(timeout)
            self._socket.connect(socket_path)
            self._socket.sendall(_start_request(exec_id))
            self._early = self._read_head()
            self._socket.settimeout(None)
        except BaseException:
            self._socket.close()
            raise

    def _read_head(self) -> bytes:
        """Read the answer's head; give what came after it."""
        data = b""
        while b"\r\n\r\n" not in data:
            piece = self._socket.recv(_READ)
            data += piece
            if not piece or len(data) > _LONGEST_HEAD:
                raise ConnectionError(f"the engine closed the exec: {data[:200]!r}")
        head, _, rest = data.partition(b"\r\n\r\n")
        status = head.split(b"\r\n", 1)[0] + b" "
        if _SWITCHING_PROTOCOLS not in status:
            said = (status + self._read_body(head, rest)).decode(errors="replace").strip()
            raise ConnectionError(f"the engine refused the exec: {said}")
        return rest

    def _read_body(self, head: bytes, body: bytes) -> bytes:
        """Read what the engine says when it refuses: all of it may not have come with the head."""
        length = _CONTENT_LENGTH.search(head)
        while length and len(body) < int(length[1]) and (piece := self._socket.recv(_READ)):
            body += piece
        return body

    def frames(self, deadline: float | None = None) -> Iterator[tuple[int, bytes]]:
        """Yield ``(stream, payload)`` until the process ends or the stream is closed.

        Raises ``TimeoutError`` when all has not come by ``deadline`` (``time.monotonic``). Whoever
        has seen enough may leave off, and call again for what comes later.
        """
        while piece := self._receive(deadline):
            yield from self._frames.feed(piece)

    def output(self, patience: float) -> tuple[bytes, bytes]:
        """Give all of the process's stdout and stderr, once it has closed both.

        Raises ``TimeoutError`` when nothing comes for ``patience`` seconds.
        """
        self._socket.settimeout(patience)
        written: dict[int, list[bytes]] = {STDOUT: [], STDERR: []}
        for kind, payload in self.frames():
            written[kind].append(payload)
        return b"".join(written[STDOUT]), b"".join(written[STDERR])

    def _receive(self, deadline: float | None) -> bytes:
        early, self._early = self._early, b""
        if early:
            return early
        self._limit(deadline)
        try:
            return self._socket.recv(_READ)
        except ConnectionError:
            return b""  # how the engine ended the stream makes no difference here

    def write(self, data: bytes, deadline: float | None = None) -> None:
        """Write to the process's stdin; raise ``OSError`` when it is gone.

        Raises ``TimeoutError`` when it is not written by ``deadline`` (``time.monotonic``).
        """
        self._limit(deadline)
        self._socket.sendall(data)

    def _limit(self, deadline: float | None) -> None:
        """Give the next use of the socket until ``deadline``; without one, leave it as it is."""
        if deadline is None:
            return
        left = deadline - time.monotonic()
        if left <= 0:  # to a socket, 0 would mean not to wait at all
            raise TimeoutError("timed out")
        self._socket.settimeout(left)

    def shutdown(self) -> None:
        """End the stream in both directions; a read in another thread returns at once."""
        with contextlib.suppress(OSError):  # the other side may have been faster
            self._socket.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """End the stream and free the socket."""
        self.shutdown()
        self._socket.close()

    def __enter__(self) -> Self:
        """Give the stream itself."""
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close the stream."""
        self.close()


def _start_request(exec_id: str) -> bytes:
    body = json.dumps({"Detach": False, "Tty": False}).encode()
    head = (
        f"POST /exec/{exec_id}/start HTTP/1.1\r\nHost: docker\r\nConnection: Upgrade\r\n"
        f"Upgrade: tcp\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body
