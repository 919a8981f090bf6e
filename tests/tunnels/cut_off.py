"""Tests that filter packets. test_tunnels_cut_off.py runs them in a network namespace of their own.

There nothing but these tests uses the loopback interface, so that its packets can be dropped.
"""

from __future__ import annotations

import signal
import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from alive_helpers import QUICK, assert_echoes, await_health, await_reconnection, await_state
from far_ends import dial, echo_until_lost, read_exactly

from tunnels import SocketForward, State, Tunnel

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from cluster_tests.bench.sshd import Sshd

pytest_plugins = ["tunnel_fixtures", "alive_fixtures"]
pytestmark = pytest.mark.usefixtures("leaves_nothing")


@pytest.fixture
def near(tunnel: Tunnel, tmp_path: Path, socket_far_end: Callable[..., str]) -> Path:
    far = socket_far_end(echo_until_lost)
    return tunnel.forward(SocketForward(far, tmp_path / "near" / "s.sock"))


@contextmanager
def filtered(sshd: Sshd, *target: str) -> Iterator[None]:
    """Filter what goes to the server as long as this is open, and what it sends where we drop."""
    ends = ("--dport", "--sport") if target == ("DROP",) else ("--dport",)
    rules = [["--protocol", "tcp", end, str(sshd.port), "--jump", *target] for end in ends]
    for rule in rules:
        subprocess.run(["iptables", "--insert", "INPUT", *rule], check=True)
    try:
        yield
    finally:
        for rule in rules:
            subprocess.run(["iptables", "--delete", "INPUT", *rule], check=True)


def test_packets_that_are_dropped(own_sshd: Sshd, tunnel: Tunnel, near: Path) -> None:
    with dial(near) as client:
        client.sendall(b"hello")
        assert read_exactly(client, 5) == b"hello"
        with filtered(own_sshd, "DROP"):
            client.sendall(b"into the void")
            assert client.recv(1) == b""
            await_health(tunnel, lambda: "nothing was heard" in str(tunnel.health.error))
            await_health(tunnel, lambda: "does not answer within" in str(tunnel.health.error))
            waiting = dial(near)
            waiting.sendall(b"patience")
        assert read_exactly(waiting, 8) == b"patience"
        waiting.close()
    assert tunnel.health.reconnections == 1
    assert_echoes(near)


def test_packets_that_are_dropped_for_a_moment(own_sshd: Sshd, tunnel: Tunnel, near: Path) -> None:
    """TCP sends them again: whatever is shorter than the limit is no loss."""
    with dial(near) as client:
        client.sendall(b"hello")
        assert read_exactly(client, 5) == b"hello"
        with filtered(own_sshd, "DROP"):
            client.sendall(b"and on it goes")
        assert read_exactly(client, 14) == b"and on it goes"
    assert tunnel.health.reconnections == 0


def test_a_connection_that_is_reset(own_sshd: Sshd, tunnel: Tunnel, near: Path) -> None:
    with dial(near) as client:
        client.sendall(b"hello")
        assert read_exactly(client, 5) == b"hello"
        with filtered(own_sshd, "REJECT", "--reject-with", "tcp-reset"):
            client.sendall(b"x")
            assert client.recv(1) == b""
            await_state(tunnel, State.RECONNECTING)
            assert "nothing was heard" not in str(tunnel.health.error)  # it is told at once
    await_reconnection(tunnel)
    assert_echoes(near)
    own_sshd.signal_sessions(signal.SIGKILL)  # the old one still waits for what comes no more


@pytest.mark.parametrize("dropped", ["before the jump host", "behind the jump host"])
def test_packets_that_are_dropped_on_a_way_with_a_jump_host(
    make_sshd: Callable[..., Sshd],
    own_sshd: Sshd,
    tmp_path: Path,
    socket_far_end: Callable[..., str],
    dropped: str,
) -> None:
    jump = make_sshd()
    target = own_sshd.target(**QUICK, jump=jump.target(**QUICK))
    cut, said = {
        "before the jump host": (jump, f"{jump.address}:{jump.port} does not answer within 3 s"),
        "behind the jump host": (own_sshd, f"does not reach {target.where} within 3 s"),
    }[dropped]
    with Tunnel(target) as tunnel:
        far = socket_far_end(echo_until_lost)
        near = tunnel.forward(SocketForward(far, tmp_path / "near" / "s.sock"))
        with dial(near) as client:
            client.sendall(b"hello")
            assert read_exactly(client, 5) == b"hello"
            with filtered(cut, "DROP"):
                client.sendall(b"into the void")
                assert client.recv(1) == b""
                await_health(tunnel, lambda: "nothing was heard" in str(tunnel.health.error))
                await_health(tunnel, lambda: said in str(tunnel.health.error))
            assert_echoes(near)
        assert tunnel.health.reconnections == 1
