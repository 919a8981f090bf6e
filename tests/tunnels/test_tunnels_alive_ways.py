"""Connections that are lost come back whatever leads to the server: jump hosts, or a command."""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
from dataclasses import replace
from functools import reduce
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from alive_helpers import (
    QUICK,
    assert_echoes,
    await_health,
    await_reconnection,
    count_descriptors,
    count_threads,
)
from far_ends import PATIENCE, dial, echo_until_lost, read_exactly
from proxy_commands import CONNECT, runs

from tunnels import SocketForward, TcpForward, Tunnel
from tunnels.errors import ConnectionLostError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from cluster_tests.bench.sshd import Sshd
    from tunnels import Target

pytest_plugins = ["tunnel_fixtures"]
pytestmark = pytest.mark.usefixtures("leaves_nothing")

ROUNDS = 3


@pytest.fixture
def forwarded(
    leaves_nothing: None,  # noqa: ARG001 - the order
    tmp_path: Path,
    tcp_far_end: Callable[..., tuple[str, int]],
    socket_far_end: Callable[..., str],
) -> Iterator[Callable[[Target], Tunnel]]:
    """Open tunnels with a socket and a port forwarded."""
    opened: list[Tunnel] = []

    def make(target: Target) -> Tunnel:
        tunnel = Tunnel(target)
        tunnel.open()
        opened.append(tunnel)
        tunnel.forward(SocketForward(socket_far_end(echo_until_lost), tmp_path / "near" / "s.sock"))
        tunnel.forward(TcpForward(*tcp_far_end(echo_until_lost)))
        return tunnel

    yield make
    for tunnel in opened:
        tunnel.close()


@pytest.fixture
def chain(make_sshd: Callable[..., Sshd]) -> Callable[[int], tuple[list[Sshd], Target]]:
    """Start hosts, the target first, each reached through the one behind it."""

    def make(count: int) -> tuple[list[Sshd], Target]:
        hosts = [make_sshd() for _ in range(count)]
        *_, first = hosts
        way = reduce(
            lambda jump, host: host.target(**QUICK, jump=jump),
            reversed(hosts[:-1]),
            first.target(**QUICK),
        )
        return hosts, way

    return make


def near_of(tunnel: Tunnel) -> Path:
    [near] = [address for address in tunnel.addresses.values() if isinstance(address, Path)]
    return near


def survives(tunnel: Tunnel, break_it: Callable[[], None]) -> None:
    """Break the connection under clients, again and again; nothing is left of the old ones."""
    before = dict(tunnel.addresses)
    left: list[tuple[int, int, int]] = []
    for number in range(1, ROUNDS + 1):
        loses_what_is_under_way(tunnel, break_it)
        await_reconnection(tunnel, number)
        assert tunnel.addresses == before
        for address in before.values():
            assert_echoes(address)
        left.append((count_threads(), count_descriptors(tunnel), count_children()))
    assert left == left[:1] * ROUNDS
    assert tunnel.health.reconnections == ROUNDS


def loses_what_is_under_way(tunnel: Tunnel, break_it: Callable[[], None]) -> None:
    """See every client's connection end, and the tunnel tell that it was the tunnel's end."""
    clients = [dial(address) for address in tunnel.addresses.values()]
    for client in clients:
        client.sendall(b"hello")
        assert read_exactly(client, 5) == b"hello"
    began = time.monotonic()
    assert not tunnel.broke_since(began)
    break_it()
    for client in clients:
        with client:
            if client.family == socket.AF_INET:
                with pytest.raises(ConnectionResetError):
                    client.recv(1)
            else:
                assert client.recv(1) == b""
        assert tunnel.broke_since(began)


def count_children() -> int:
    """Count this process's children: servers, and what leads to them."""
    tasks = Path("/proc/self/task").iterdir()
    return sum(len((task / "children").read_text().split()) for task in tasks)


def await_served(host: Sshd, count: int) -> None:
    """Wait until a host serves so many connections: an old one ends when its sshd notices."""
    deadline = time.monotonic() + PATIENCE
    while len(host.serving) != count:
        assert time.monotonic() < deadline, f"{host.port} serves {host.serving}"
        threading.Event().wait(0.01)


# --- jump hosts


@pytest.mark.parametrize(("count", "broken"), [(2, 0), (2, 1), (3, 0), (3, 1), (3, 2)])
def test_a_connection_that_is_killed_on_a_host_of_the_way(
    chain: Callable[[int], tuple[list[Sshd], Target]],
    forwarded: Callable[[Target], Tunnel],
    count: int,
    broken: int,
) -> None:
    """The target is 0, its jump host 1, and 2 the jump host that leads to that one."""
    hosts, target = chain(count)
    tunnel = forwarded(target)
    survives(tunnel, lambda: hosts[broken].signal_sessions(signal.SIGKILL))
    for host in hosts:
        await_served(host, 1)
    tunnel.close()
    for host in hosts:
        await_served(host, 0)


@pytest.mark.parametrize("broken", [0, 1])
def test_a_host_of_the_way_that_says_nothing_any_more(
    chain: Callable[[int], tuple[list[Sshd], Target]],
    forwarded: Callable[[Target], Tunnel],
    caplog: pytest.LogCaptureFixture,
    broken: int,
) -> None:
    hosts, target = chain(2)
    tunnel = forwarded(target)
    loses_what_is_under_way(tunnel, lambda: hosts[broken].signal_sessions(signal.SIGSTOP))
    await_reconnection(tunnel)
    hosts[broken].signal_sessions(signal.SIGCONT)  # it finds that it is alone
    for host in hosts:
        await_served(host, 1)
    for address in tunnel.addresses.values():
        assert_echoes(address)
    tunnel.close()  # it has told all then
    assert "nothing was heard for 3 s" in caplog.text


@pytest.mark.parametrize("broken", [0, 1])
def test_who_connects_while_a_host_of_the_way_is_down_is_served_when_it_is_back(
    chain: Callable[[int], tuple[list[Sshd], Target]],
    forwarded: Callable[[Target], Tunnel],
    broken: int,
) -> None:
    hosts, target = chain(2)
    tunnel = forwarded(target)
    hosts[broken].stop()
    told = {0: f"{hosts[1].target()} cannot reach", 1: f"at the jump host {hosts[1].target()} of"}
    await_health(tunnel, lambda: told[broken] in str(tunnel.health.error))
    assert tunnel.broke_since(time.monotonic())
    with dial(near_of(tunnel)) as client:
        client.sendall(b"patience")
        hosts[broken].start()
        assert read_exactly(client, 8) == b"patience"
    assert tunnel.health.reconnections == 1


def test_a_jump_host_that_stays_away_is_told_to_who_asks(
    chain: Callable[[int], tuple[list[Sshd], Target]], tmp_path: Path
) -> None:
    hosts, target = chain(2)
    with Tunnel(replace(target, reconnect_wait=0.1)) as tunnel:
        hosts[1].stop()
        await_health(tunnel, lambda: "refuses connections" in str(tunnel.health.error))
        with pytest.raises(ConnectionLostError, match="at the jump host"):
            tunnel.forward(SocketForward("/none", tmp_path / "s.sock"))


# --- a proxy command


@pytest.fixture
def written_down(tmp_path: Path) -> tuple[str, Callable[[], list[int]]]:
    """Give a proxy command, and what tells the processes that it was."""
    pids = tmp_path / "pids"
    script = tmp_path / "connect"
    connect = CONNECT.replace("%h %p", "$1 $2")
    script.write_text(f"#!/bin/sh\necho $$ >>{pids}\nexec {connect}\n")
    script.chmod(0o755)
    return f"{script} %h %p", lambda: [int(pid) for pid in pids.read_text().split()]


@pytest.mark.parametrize("behind", ["the command", "a jump host behind the command"])
@pytest.mark.parametrize("broken", ["the command", "the connection"])
def test_what_a_command_leads_to(
    make_sshd: Callable[..., Sshd],
    forwarded: Callable[[Target], Tunnel],
    written_down: tuple[str, Callable[[], list[int]]],
    behind: str,
    broken: str,
) -> None:
    command, processes = written_down
    reached = make_sshd()
    target = reached.target(**QUICK, proxy_command=command)
    if behind != "the command":
        target = make_sshd().target(**QUICK, jump=target)
    tunnel = forwarded(target)

    def break_it() -> None:
        if broken == "the command":
            os.kill(processes()[-1], signal.SIGKILL)
        else:
            reached.signal_sessions(signal.SIGKILL)

    survives(tunnel, break_it)
    assert [runs(pid) for pid in processes()] == [False] * ROUNDS + [True]
    await_served(reached, 1)
    tunnel.close()
    assert not any(runs(pid) for pid in processes())
