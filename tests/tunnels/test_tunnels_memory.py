"""What a tunnel holds in memory: at most a window for a slow reader, and nothing of what passes."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import textwrap
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from far_ends import PATIENCE, dial, read_all

from tunnels import TcpForward, Tunnel
from tunnels.channel import WINDOW

if TYPE_CHECKING:
    from collections.abc import Callable

    from cluster_tests.bench.sshd import Sshd

pytest_plugins = ["tunnel_fixtures"]
pytestmark = pytest.mark.usefixtures("leaves_nothing")

MEGABYTE = 1 << 20
MEGABYTES = int(os.environ.get("TUNNELS_TEST_MEGABYTES", "256"))
"""What is transferred in each direction; docs/figures.md tells of 2048."""

SLACK = 24 * MEGABYTE
"""Bytes of resident memory that may come on top: far less than what is transferred."""


def stall(sock: socket.socket, stalled: threading.Event) -> int:
    """Send until nothing more is taken for a while; give the number of bytes that were taken."""
    sock.settimeout(0.5)
    total = 0
    try:
        while True:
            total += sock.send(bytes(MEGABYTE))
    except TimeoutError:
        sock.settimeout(PATIENCE)
        stalled.set()
        return total


def test_of_a_slow_client_no_more_than_a_window_is_held(
    sshd: Sshd, tcp_far_end: Callable[..., tuple[str, int]]
) -> None:
    stalled, sent = threading.Event(), []

    def serve(connection: socket.socket) -> None:
        if connection.recv(1):
            sent.append(stall(connection, stalled))

    spec = TcpForward(*tcp_far_end(serve))
    with Tunnel(sshd.target()) as tunnel, dial(tunnel.forward(spec)) as client:
        client.sendall(b"x")
        assert stalled.wait(PATIENCE)
        [relay] = tunnel._gate.relays
        assert 0 < sum(len(part) for part in relay._backlog) <= WINDOW
        assert len(read_all(client)) == sent[0]
        assert not relay._backlog


def test_for_a_slow_far_end_nothing_is_held(
    sshd: Sshd, tcp_far_end: Callable[..., tuple[str, int]]
) -> None:
    read_on, stalled, received = threading.Event(), threading.Event(), []

    def serve(connection: socket.socket) -> None:
        if connection.recv(1):
            assert read_on.wait(PATIENCE)
            received.append(1 + len(read_all(connection)))

    spec = TcpForward(*tcp_far_end(serve))
    with Tunnel(sshd.target()) as tunnel, dial(tunnel.forward(spec)) as client:
        client.sendall(b"x")
        sent = 1 + stall(client, stalled)
        [relay] = tunnel._gate.relays
        assert relay._room() == 0  # the far end grants no more,
        assert not relay._backlog
        assert tunnel.traffic(spec).sent <= sent  # and what it did not grant was not read
        assert relay._watched == 0
        read_on.set()
        client.shutdown(socket.SHUT_WR)
        assert read_all(client) == b""
        assert tunnel.traffic(spec).sent == sent
    assert received == [sent]


PROGRAM = """
    import resource, socket, sys
    from pathlib import Path
    from tunnels import Target, TcpForward, Tunnel

    def peak():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024

    def carry(address, megabytes, *, up):
        piece = bytes(1 << 20)
        with socket.create_connection(address) as sock:
            sock.sendall(b"up  " if up else b"down")
            sock.sendall(megabytes.to_bytes(4, "big"))
            if up:
                for _ in range(megabytes):
                    sock.sendall(piece)
                assert sock.recv(4) == b"done"
            else:
                left = megabytes << 20
                while left:
                    got = len(sock.recv(1 << 20))
                    assert got
                    left -= got

    port, user, identity, known, host, far, megabytes, up = sys.argv[1:]
    target = Target("127.0.0.1", int(port), user, Path(identity), Path(known))
    with Tunnel(target) as tunnel:
        address = tunnel.forward(TcpForward(host, int(far)))
        carry(address, 16, up=bool(int(up)))
        before = peak()
        carry(address, int(megabytes), up=bool(int(up)))
        print(peak() - before)
"""


def transfer(connection: socket.socket) -> None:
    """Take or give as many megabytes as is asked."""
    word = connection.recv(4, socket.MSG_WAITALL)
    if not word:
        return
    megabytes = int.from_bytes(connection.recv(4, socket.MSG_WAITALL), "big")
    if word == b"down":
        for _ in range(megabytes):
            connection.sendall(bytes(MEGABYTE))
        return
    left = megabytes * MEGABYTE
    while left:
        left -= len(connection.recv(MEGABYTE))
    connection.sendall(b"done")


@pytest.mark.parametrize("up", [False, True], ids=["down", "up"])
def test_memory_stays_flat_over_a_large_transfer(
    sshd: Sshd, tcp_far_end: Callable[..., tuple[str, int]], *, up: bool
) -> None:
    host, port = tcp_far_end(transfer)
    words = (sshd.port, sshd.user, sshd.identity, sshd.known_hosts, host, port, MEGABYTES, int(up))
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(PROGRAM), *map(str, words)],
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < SLACK < MEGABYTES * MEGABYTE
