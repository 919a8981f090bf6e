"""The ways to a server: TCP over IPv6, through jump hosts, through a command."""

from __future__ import annotations

import socket
import subprocess
import threading
import time
from typing import TYPE_CHECKING

import pytest
from far_ends import PATIENCE, dial, echo, read_exactly
from opening import refused
from proxy_commands import CONNECT, runs

from cluster_tests.bench.sshd import free_port, make_key
from tunnels import SocketForward, TcpForward, Tunnel
from tunnels.by_hand import ssh_command
from tunnels.errors import (
    HandshakeError,
    HostKeyChangedError,
    HostKeyUnknownError,
    IdentityMissingError,
    KeyRefusedError,
    UnreachableError,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from cluster_tests.bench.sshd import Sshd
    from tunnels import Target

pytest_plugins = ["tunnel_fixtures"]
pytestmark = pytest.mark.usefixtures("leaves_nothing")


def carries(target: Target, far_end: tuple[str, int]) -> None:
    """Open a tunnel and send something there and back, more than fits into any window."""
    with Tunnel(target) as tunnel, dial(tunnel.forward(TcpForward(*far_end))) as sock:
        data = bytes(range(256)) * 40_000
        sender = threading.Thread(target=sock.sendall, args=(data,))
        sender.start()
        assert read_exactly(sock, len(data)) == data
        sender.join()


# --- IPv6


@pytest.fixture
def ipv6() -> None:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        pytest.skip("this machine has no ::1")


@pytest.mark.usefixtures("ipv6")
def test_an_ipv6_address_is_reached_and_known(
    make_sshd: Callable[..., Sshd], tcp_far_end: Callable[..., tuple[str, int]]
) -> None:
    sshd = make_sshd(address="::1")
    assert str(sshd.target()) == f"{sshd.user}@[::1]:{sshd.port}"
    carries(sshd.target(), tcp_far_end(echo))


@pytest.mark.usefixtures("ipv6")
def test_an_ipv6_address_that_is_not_known(make_sshd: Callable[..., Sshd]) -> None:
    sshd = make_sshd(address="::1")
    sshd.known_hosts.write_text("")
    error = refused(sshd.target(), HostKeyUnknownError)
    assert f"[::1]:{sshd.port} is not in {sshd.known_hosts}" in error.message


@pytest.mark.usefixtures("ipv6")
def test_a_far_end_with_an_ipv6_address(sshd: Sshd) -> None:
    server = socket.create_server(("::1", 0), family=socket.AF_INET6)
    port = server.getsockname()[1]
    with (
        server,
        Tunnel(sshd.target()) as tunnel,
        tunnel.connect("::1", port) as ours,
        server.accept()[0] as theirs,
    ):
        theirs.sendall(b"hello")
        assert read_exactly(ours, 5) == b"hello"


# --- jump hosts


def test_one_jump_host(
    make_sshd: Callable[..., Sshd], sshd: Sshd, tcp_far_end: Callable[..., tuple[str, int]]
) -> None:
    jump = make_sshd()
    carries(sshd.target(jump=jump.target()), tcp_far_end(echo))
    assert jump.counted("Accepted publickey", 1) == 1


def test_two_jump_hosts(
    make_sshd: Callable[..., Sshd],
    sshd: Sshd,
    socket_far_end: Callable[..., str],
    tmp_path: Path,
) -> None:
    first, second = make_sshd(), make_sshd()
    target = sshd.target(jump=second.target(jump=first.target()))
    forward = SocketForward(socket_far_end(echo), tmp_path / "s" / "local.sock")
    with Tunnel(target) as tunnel, dial(tunnel.forward(forward)) as sock:
        sock.sendall(b"hello")
        assert read_exactly(sock, 5) == b"hello"
        for jump in (first, second):
            assert jump.counted("Accepted publickey", 1) == 1
    for jump in (first, second):
        jump.wait_for("closed by")


def test_a_jump_host_that_ends_ends_the_connection(
    make_sshd: Callable[..., Sshd], sshd: Sshd
) -> None:
    jump = make_sshd()
    with Tunnel(sshd.target(jump=jump.target())) as tunnel:
        transport = tunnel._line.transport
        assert transport is not None
        jump.stop()
        transport.join(20)
        assert not tunnel.is_alive


def test_each_jump_host_needs_a_known_key(make_sshd: Callable[..., Sshd], sshd: Sshd) -> None:
    first, second = make_sshd(), make_sshd()
    second.know(make_key(second.directory / "another"))
    target = sshd.target(jump=second.target(jump=first.target()))
    before = sshd.count("Connection from")
    error = refused(target, HostKeyChangedError)
    assert error.message.startswith(f"at the jump host {second.target()} of {target}: ")
    first.wait_for("closed by")  # it was let go of
    assert sshd.count("Connection from") == before


def test_a_first_jump_host_that_lets_nobody_in(make_sshd: Callable[..., Sshd], sshd: Sshd) -> None:
    first, second = make_sshd(), make_sshd()
    first.let_in()
    target = sshd.target(jump=second.target(jump=first.target()))
    error = refused(target, KeyRefusedError)
    assert error.message.startswith(
        f"at the jump host {second.target()} of {target}: "
        f"at the jump host {first.target()} of {second.target()}: "
    )


def test_a_target_behind_a_jump_host_that_is_not_there(
    make_sshd: Callable[..., Sshd], sshd: Sshd
) -> None:
    jump = make_sshd()
    target = sshd.target(port=free_port(), jump=jump.target())
    error = refused(target, UnreachableError)
    assert error.message.startswith(f"{jump.target()} cannot reach 127.0.0.1:{target.port}")
    jump.wait_for("closed by")


def test_a_jump_host_that_forbids_forwarding(make_sshd: Callable[..., Sshd], sshd: Sshd) -> None:
    jump = make_sshd("AllowTcpForwarding no")
    error = refused(sshd.target(jump=jump.target()), UnreachableError)
    assert f"{jump.target()} forbids TCP forwarding" in error.message
    assert "AllowTcpForwarding" in error.remedy


def test_nothing_is_sent_before_all_keys_are_read(
    make_sshd: Callable[..., Sshd], sshd: Sshd, tmp_path: Path
) -> None:
    jump = make_sshd()
    target = sshd.target(identity_file=tmp_path / "none", jump=jump.target())
    refused(target, IdentityMissingError)
    with Tunnel(jump.target()):
        pass
    assert jump.counted("Connection from", 1) == 1


def test_the_remedy_for_an_unknown_host_behind_a_jump_host_goes_the_same_way(
    make_sshd: Callable[..., Sshd], sshd: Sshd, tmp_path: Path
) -> None:
    jump = make_sshd()
    known = tmp_path / "known_hosts"
    known.write_text("")
    error = refused(sshd.target(known_hosts=known, jump=jump.target()), HostKeyUnknownError)
    assert error.remedy.endswith(
        f"ssh -p {jump.port} {jump.user}@127.0.0.1 ssh-keyscan -p {sshd.port} 127.0.0.1 >> {known}"
    )


def test_the_remedy_for_a_key_that_is_refused_goes_the_same_way(
    make_sshd: Callable[..., Sshd], sshd: Sshd, tmp_path: Path
) -> None:
    first, second = make_sshd(), make_sshd()
    stranger = make_key(tmp_path / "stranger")
    jump = second.target(jump=first.target())
    error = refused(sshd.target(identity_file=stranger, jump=jump), KeyRefusedError)
    assert f"-o ProxyJump={first.target()},{second.target()} " in error.remedy


# --- a proxy command


def test_a_proxy_command(sshd: Sshd, tcp_far_end: Callable[..., tuple[str, int]]) -> None:
    carries(sshd.target(proxy_command=CONNECT), tcp_far_end(echo))


def test_the_command_gets_host_port_and_user(sshd: Sshd, tmp_path: Path) -> None:
    told = tmp_path / "told"
    target = sshd.target(proxy_command=f"sh -c 'echo %h %p %r %% %%h >{told}'")
    refused(target, HandshakeError)
    assert told.read_text() == f"127.0.0.1 {sshd.port} {sshd.user} % %h\n"


def test_a_proxy_command_that_fails_is_heard(sshd: Sshd) -> None:
    command = "sh -c 'echo no route to %h >&2; exit 7'"
    error = refused(sshd.target(proxy_command=command), HandshakeError)
    assert "ended with status 7 and said: no route to 127.0.0.1" in error.message
    assert f"ssh -p {sshd.port}" in error.remedy


def test_the_command_to_try_by_hand_works(sshd: Sshd) -> None:
    command = ssh_command(sshd.target(proxy_command=CONNECT))
    subprocess.run(f"{command} true", shell=True, check=True, stdin=subprocess.DEVNULL)  # noqa: S602


def test_a_proxy_command_that_says_nothing(sshd: Sshd) -> None:
    target = sshd.target(proxy_command="sleep 1000", connect_timeout=0.3)
    error = refused(target, HandshakeError)
    assert "still runs" in error.message


def test_a_command_that_does_not_exist(sshd: Sshd) -> None:
    error = refused(sshd.target(proxy_command="/no/such/command"), HandshakeError)
    assert "status 127" in error.message
    assert "/no/such/command" in error.message


def test_a_shell_that_does_not_exist(sshd: Sshd, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHELL", "/no/such/shell")
    error = refused(sshd.target(proxy_command=CONNECT), UnreachableError)
    assert "/no/such/shell: No such file" in error.message


@pytest.mark.parametrize("deaf", ["the command", "what it started"])
def test_a_command_that_does_not_care_is_ended_with_all_it_started(
    sshd: Sshd, tmp_path: Path, deaf: str
) -> None:
    pids = tmp_path / "pids"
    script = tmp_path / "stubborn"
    connect = CONNECT.replace("%h %p", "$1 $2")
    deaf_lines = ["trap '' TERM", "sleep 1000 &"]  # an ignored signal stays so for what is started
    ways = {
        "the command": [*deaf_lines, f"echo $$ $! >{pids}", connect, "sleep 1000"],
        "what it started": [*deaf_lines, f"echo $$ $! >{pids}", "trap - TERM", f"exec {connect}"],
    }
    script.write_text("\n".join(["#!/bin/sh", *ways[deaf]]) + "\n")
    script.chmod(0o755)
    with Tunnel(sshd.target(proxy_command=f"{script} %h %p")) as tunnel:
        assert tunnel.is_alive
    started = [int(pid) for pid in pids.read_text().split()]
    assert len(started) == 2
    deadline = time.monotonic() + PATIENCE
    while any(runs(pid) for pid in started):  # a killed process takes a moment to go
        assert time.monotonic() < deadline


def test_a_jump_host_behind_a_proxy_command(
    make_sshd: Callable[..., Sshd], sshd: Sshd, tcp_far_end: Callable[..., tuple[str, int]]
) -> None:
    jump = make_sshd().target(proxy_command=CONNECT)
    carries(sshd.target(jump=jump), tcp_far_end(echo))
