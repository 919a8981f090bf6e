"""How tunnels and groups of them end: on purpose, by accident, half open."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import textwrap
import threading
from typing import TYPE_CHECKING

import pytest
from far_ends import PATIENCE, STARTING, dial, read_exactly

from cluster_tests.bench.sshd import free_port, make_key
from tunnels import SocketForward, TcpForward, Tunnel, TunnelError, TunnelGroup
from tunnels.connection import connect
from tunnels.errors import (
    ConnectionLostError,
    FarEndError,
    GroupError,
    KeyRefusedError,
    UnreachableError,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from cluster_tests.bench.sshd import Sshd
    from tunnels import Forward, Target

pytest_plugins = ["tunnel_fixtures"]
pytestmark = pytest.mark.usefixtures("leaves_nothing")


# --- one tunnel


def test_closing_ends_the_connections_that_are_open(
    sshd: Sshd,
    tmp_path: Path,
    socket_far_end: Callable[..., str],
    tcp_far_end: Callable[..., tuple[str, int]],
) -> None:
    near = tmp_path / "near" / "s.sock"
    tunnel = Tunnel(sshd.target())
    tunnel.open()
    clients = [
        dial(tunnel.forward(SocketForward(socket_far_end(), near))),
        dial(tunnel.forward(TcpForward(*tcp_far_end()))),
        tunnel.connect(*tcp_far_end()),
    ]
    for client in clients:
        client.settimeout(PATIENCE)
        client.sendall(b"hello")
        assert read_exactly(client, 5) == b"hello"
    tunnel.close()
    assert clients[0].recv(1) == b""
    with pytest.raises(ConnectionResetError):
        clients[1].recv(1)
    assert clients[2].recv(1) == b""
    for client in clients:
        client.close()
    assert not near.exists()
    assert not tunnel.is_alive


def test_closing_in_the_middle_of_a_transfer(
    sshd: Sshd, tcp_far_end: Callable[..., tuple[str, int]]
) -> None:
    tunnel = Tunnel(sshd.target())
    tunnel.open()
    with dial(tunnel.forward(TcpForward(*tcp_far_end(swallow)))) as client:
        closer = threading.Timer(0.1, tunnel.close)
        closer.start()
        with pytest.raises(ConnectionError):
            client.sendall(bytes(1 << 30))  # takes a second or more
        closer.join(PATIENCE)


def swallow(connection: socket.socket) -> None:
    while connection.recv(1 << 20):
        pass


def test_no_thread_is_left_the_moment_it_is_closed(
    sshd: Sshd, tcp_far_end: Callable[..., tuple[str, int]]
) -> None:
    before = set(threading.enumerate())
    tunnel = Tunnel(sshd.target())
    tunnel.open()
    far = tcp_far_end(socket.socket.close)
    tunnel.forward(TcpForward(*far))
    tunnel.close()
    left = set(threading.enumerate()) - before
    assert [thread for thread in left if "far end" not in thread.name] == []


def test_the_thread_of_a_connection_has_ended_when_it_is_said_to(sshd: Sshd) -> None:
    for _ in range(5):
        transport = connect(sshd.target())
        assert transport.is_alive()
        transport.end()
        assert not transport.is_alive()


def test_closing_again_does_nothing(sshd: Sshd) -> None:
    tunnel = Tunnel(sshd.target())
    tunnel.open()
    tunnel.close()
    tunnel.close()


def test_closing_what_was_never_opened(sshd: Sshd) -> None:
    tunnel = Tunnel(sshd.target())
    tunnel.close()
    with pytest.raises(ConnectionLostError, match="closed"):
        tunnel.open()


def test_what_is_never_opened_holds_nothing(sshd: Sshd) -> None:
    Tunnel(sshd.target())
    TunnelGroup({"a": (sshd.target(), [])})


def test_closing_after_a_failure(sshd: Sshd) -> None:
    tunnel = Tunnel(sshd.target(port=free_port()))
    with pytest.raises(UnreachableError):
        tunnel.open()
    tunnel.close()


def test_what_is_not_open_forwards_nothing(sshd: Sshd) -> None:
    tunnel = Tunnel(sshd.target())
    with pytest.raises(ConnectionLostError, match="not open yet"):
        tunnel.forward(TcpForward("localhost", 80))
    with tunnel, pytest.raises(ConnectionLostError, match="open"):
        tunnel.open()
    with pytest.raises(ConnectionLostError, match="closed"):
        tunnel.connect("localhost", 80)


def test_a_program_that_does_not_close_its_tunnel_ends_all_the_same(
    sshd: Sshd, tcp_far_end: Callable[..., tuple[str, int]]
) -> None:
    program = f"""
        from pathlib import Path
        from tunnels import Target, TcpForward, Tunnel
        target = Target("127.0.0.1", {sshd.port}, {sshd.user!r}, Path({str(sshd.identity)!r}),
                        Path({str(sshd.known_hosts)!r}))
        tunnel = Tunnel(target)
        tunnel.open()
        tunnel.forward(TcpForward(*{tcp_far_end()!r}))
        print("open")
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)],
        capture_output=True,
        text=True,
        timeout=STARTING,
        check=False,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert (done.stdout, done.stderr, done.returncode) == ("open\n", "", 0)


def test_a_connection_that_opens_after_its_asker_gave_up_is_closed(
    make_sshd: Callable[..., Sshd], tcp_far_end: Callable[..., tuple[str, int]]
) -> None:
    """sshd is stopped, not killed: its answer comes when nobody waits for it any more."""
    closed = threading.Event()

    def serve(connection: socket.socket) -> None:
        swallow(connection)
        closed.set()

    sshd = make_sshd()
    with Tunnel(sshd.target(connect_timeout=3)) as tunnel:
        sshd.signal_sessions(signal.SIGSTOP)
        with pytest.raises(TunnelError, match="does not open"):
            tunnel.connect(*tcp_far_end(serve))
        caught_up = threading.Event()
        assert tunnel._loop.call(caught_up.set)
        assert caught_up.wait(PATIENCE)
        assert tunnel._gate.relays == set()
        sshd.signal_sessions(signal.SIGCONT)
        assert closed.wait(PATIENCE)


# --- groups


def plan_of(
    tmp_path: Path, sshd: Sshd, far: str, names: str
) -> dict[str, tuple[Target, list[Forward]]]:
    return {
        name: (sshd.target(), [SocketForward(far, tmp_path / "near" / f"{name}.sock")])
        for name in names
    }


def test_a_group_opens_all_its_tunnels(
    sshd: Sshd, tmp_path: Path, socket_far_end: Callable[..., str]
) -> None:
    with TunnelGroup(plan_of(tmp_path, sshd, socket_far_end(), "abcdefgh")) as group:
        assert list(group) == list("abcdefgh")
        for name, tunnel in group.items():
            near = tmp_path / "near" / f"{name}.sock"
            assert list(tunnel.addresses.values()) == [near]
            with dial(near) as client:
                client.sendall(name.encode())
                assert read_exactly(client, 1) == name.encode()
    assert list((tmp_path / "near").iterdir()) == []


def test_a_group_of_none() -> None:
    with TunnelGroup({}) as group:
        assert len(group) == 0


def test_when_some_fail_none_is_open_and_every_failure_is_told(
    sshd: Sshd,
    tmp_path: Path,
    socket_far_end: Callable[..., str],
    capfd: pytest.CaptureFixture[str],
) -> None:
    far = socket_far_end()
    plan = plan_of(tmp_path, sshd, far, "abcd")
    plan["b"] = (sshd.target(identity_file=make_key(tmp_path / "stranger")), plan["b"][1])
    plan["d"] = (sshd.target(), [*plan["d"][1], TcpForward("127.0.0.1", free_port())])
    group = TunnelGroup(plan)
    with pytest.raises(GroupError) as caught:
        group.open()
    assert {name: type(error) for name, error in caught.value.failures.items()} == {
        "b": KeyRefusedError,
        "d": FarEndError,
    }
    assert "\nb: " in str(caught.value)
    assert "ssh-copy-id" in str(caught.value)
    assert not any(tunnel.is_alive for tunnel in group.values())
    assert list((tmp_path / "near").iterdir()) == []
    group.close()
    group.close()
    assert capfd.readouterr() == ("", "")


def test_a_group_is_closed_when_its_opening_is_interrupted(
    sshd: Sshd, tmp_path: Path, socket_far_end: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    group = TunnelGroup(plan_of(tmp_path, sshd, socket_far_end(), "abc"))
    forward = Tunnel.forward

    def interrupted(tunnel: Tunnel, spec: Forward) -> Path | tuple[str, int]:
        if tunnel is group["b"]:
            raise KeyboardInterrupt
        return forward(tunnel, spec)

    monkeypatch.setattr(Tunnel, "forward", interrupted)
    with pytest.raises(KeyboardInterrupt):
        group.open()
    assert not any(tunnel.is_alive for tunnel in group.values())
    assert list((tmp_path / "near").iterdir()) == []


def test_a_group_closes_all_its_tunnels_even_if_one_cannot_be_closed(
    sshd: Sshd, tmp_path: Path, socket_far_end: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    group = TunnelGroup(plan_of(tmp_path, sshd, socket_far_end(), "abc"))
    group.open()
    close = Tunnel.close

    def stubborn(tunnel: Tunnel) -> None:
        close(tunnel)
        if tunnel is group["a"]:
            raise TunnelError("a thread did not end")

    monkeypatch.setattr(Tunnel, "close", stubborn)
    with pytest.raises(GroupError, match="a thread did not end"):
        group.close()
    assert not any(tunnel.is_alive for tunnel in group.values())


def test_an_idle_connection_answers_an_sshd_that_asks_whether_it_lives(
    make_sshd: Callable[..., Sshd], tcp_far_end: Callable[..., tuple[str, int]]
) -> None:
    sshd = make_sshd("ClientAliveInterval 1", "ClientAliveCountMax 1", "LogLevel DEBUG3")
    with Tunnel(sshd.target()) as tunnel, tunnel.connect(*tcp_far_end()) as client:
        # 100 is CHANNEL_FAILURE: the answer to a request that nobody need know.
        sshd.wait_for("receive packet: type 100", times=2)
        client.sendall(b"still here")
        assert read_exactly(client, 10) == b"still here"
