"""Who asks: plain sockets and as little Python as possible, the same for every side."""

from __future__ import annotations

import socket
import time
from pathlib import Path

from cluster_tests.errors import HarnessError

REQUEST = b"GET /_ping HTTP/1.1\r\nHost: bench\r\n\r\n"
"""What a Docker client asks an engine to see that it is there."""

UNIT = 1 << 20
"""Bytes that are written or read at once in a load."""

Address = Path | tuple[str, int]


def dial(address: Address) -> socket.socket:
    """Connect to a forward's local address, or to a far end itself."""
    family = socket.AF_UNIX if isinstance(address, Path) else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.connect(str(address) if isinstance(address, Path) else address)
        if family == socket.AF_INET:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    except BaseException:
        sock.close()
        raise
    return sock


def kept_pings(address: Address, count: int) -> list[float]:
    """Ping ``count`` times over one connection; the seconds that each took."""
    with dial(address) as sock:
        _ping(sock)  # the connection is made by then
        return [_timed_ping(sock) for _ in range(count)]


def fresh_pings(address: Address, count: int) -> list[float]:
    """Connect, ping and close ``count`` times; the seconds from the connect to the answer."""
    taken = []
    for _ in range(count):
        started = time.perf_counter()
        with dial(address) as sock:
            _ping(sock)
            taken.append(time.perf_counter() - started)
    return taken


def download(address: Address, count: int) -> float:
    """Receive ``count`` bytes; the bytes per second from the first to the last."""
    with dial(address) as sock:
        sock.sendall(b"down %d\n" % count)
        room = bytearray(UNIT)
        received = first = _take(sock, room)
        started = time.perf_counter()
        while received < count:
            received += _take(sock, room)
        return (count - first) / (time.perf_counter() - started)


def upload(address: Address, count: int) -> float:
    """Send ``count`` bytes; the bytes per second until the far end has acknowledged them."""
    unit = memoryview(bytes(UNIT))
    with dial(address) as sock:
        sock.sendall(b"up %d\n" % count)
        answer = bytearray(1)
        _take(sock, answer)
        started = time.perf_counter()
        for start in range(0, count, UNIT):
            sock.sendall(unit[: count - start])
        _take(sock, answer)
        return count / (time.perf_counter() - started)


def _timed_ping(sock: socket.socket) -> float:
    started = time.perf_counter()
    _ping(sock)
    return time.perf_counter() - started


def _ping(sock: socket.socket) -> None:
    sock.sendall(REQUEST)
    answer = b""
    # Both far ends end with the two letters; a Docker engine's headers come in the same piece.
    while not answer.endswith(b"\r\n\r\nOK"):
        part = sock.recv(4096)
        if not part:
            raise HarnessError(f"a ping was not answered: {answer!r}")
        answer += part


def _take(sock: socket.socket, room: bytearray) -> int:
    count = sock.recv_into(room)
    if not count:
        raise HarnessError("a load broke off")
    return count
