"""Connections that are lost come back, by themselves, and everything that hangs on them."""

from __future__ import annotations

import logging
import signal
import socket
import threading
import time
from typing import TYPE_CHECKING
from unittest.mock import Mock

import pytest
from alive_helpers import (
    QUICK,
    assert_echoes,
    await_health,
    await_reconnection,
    await_relay,
    await_state,
    count_descriptors,
    count_threads,
)
from far_ends import PATIENCE, STARTING, FarEnd, dial, echo, echo_until_lost, read_all, read_exactly

from tunnels import SocketForward, State, TcpForward, Tunnel
from tunnels.entrance import Entrance
from tunnels.errors import ConnectionLostError, FarEndError
from tunnels.gate import Gate
from tunnels.health import Meter
from tunnels.line import Line

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from cluster_tests.bench.sshd import Sshd

pytest_plugins = ["tunnel_fixtures", "alive_fixtures"]
pytestmark = pytest.mark.usefixtures("leaves_nothing")


@pytest.fixture
def near(tmp_path: Path) -> Path:
    return tmp_path / "near" / "s.sock"


def test_a_connection_whose_process_was_killed_is_back_with_all_its_addresses(
    own_sshd: Sshd,
    tunnel: Tunnel,
    near: Path,
    tcp_far_end: Callable[..., tuple[str, int]],
    socket_far_end: Callable[..., str],
) -> None:
    tunnel.forward(TcpForward(*tcp_far_end()))
    tunnel.forward(SocketForward(socket_far_end(), near))
    before = dict(tunnel.addresses)
    for number in range(1, 4):
        own_sshd.signal_sessions(signal.SIGKILL)
        await_reconnection(tunnel, number)
        assert tunnel.addresses == before
        for address in before.values():
            assert_echoes(address)
    assert tunnel.is_alive


def test_what_was_under_way_is_reset(
    own_sshd: Sshd,
    tunnel: Tunnel,
    near: Path,
    tcp_far_end: Callable[..., tuple[str, int]],
    socket_far_end: Callable[..., str],
) -> None:
    tunnel.forward(SocketForward(socket_far_end(), near))
    with dial(tunnel.forward(TcpForward(*tcp_far_end()))) as tcp, dial(near) as unix:
        for client in (tcp, unix):
            client.sendall(b"hello")
            assert read_exactly(client, 5) == b"hello"
        own_sshd.signal_sessions(signal.SIGKILL)
        with pytest.raises(ConnectionResetError):
            tcp.recv(1)
        assert unix.recv(1) == b""  # a UNIX socket knows no reset: unix(7)


def test_who_connects_meanwhile_waits_and_is_served(
    own_sshd: Sshd, tunnel: Tunnel, near: Path, socket_far_end: Callable[..., str]
) -> None:
    tunnel.forward(SocketForward(socket_far_end(), near))
    own_sshd.stop()
    await_state(tunnel, State.RECONNECTING)
    clients = [dial(near) for _ in range(20)]
    for number, client in enumerate(clients):
        client.sendall(b"client %02d" % number)
    own_sshd.start()
    for number, client in enumerate(clients):
        assert read_exactly(client, 9) == b"client %02d" % number
        client.close()


def test_who_was_not_connected_yet_when_it_was_lost_is_served_after_it(
    own_sshd: Sshd, near: Path, socket_far_end: Callable[..., str]
) -> None:
    """The server was asked and did not answer: nothing was sent that could arrive twice."""
    with Tunnel(own_sshd.target()) as tunnel:  # patient: the kill alone is to end the connection
        tunnel.forward(SocketForward(socket_far_end(), near))
        own_sshd.signal_sessions(signal.SIGSTOP)
        with dial(near) as client:
            client.sendall(b"hello")
            await_relay(tunnel)
            own_sshd.signal_sessions(signal.SIGKILL)
            assert read_exactly(client, 5) == b"hello"
        assert tunnel.health.reconnections == 1


@pytest.mark.parametrize("kind", ["socket", "tcp"])
def test_who_waited_too_long_is_refused(
    own_sshd: Sshd,
    near: Path,
    tcp_far_end: Callable[..., tuple[str, int]],
    socket_far_end: Callable[..., str],
    kind: str,
) -> None:
    with Tunnel(own_sshd.target(**QUICK, reconnect_wait=0.3)) as tunnel:
        spec = (
            TcpForward(*tcp_far_end()) if kind == "tcp" else SocketForward(socket_far_end(), near)
        )
        address = tunnel.forward(spec)
        own_sshd.stop()
        await_health(tunnel, lambda: "refuses connections" in str(tunnel.health.error))
        with dial(address) as client:
            if kind == "tcp":
                with pytest.raises(ConnectionResetError):
                    client.recv(1)
            else:
                assert client.recv(1) == b""
        with pytest.raises(ConnectionLostError, match=r"did not come back within 0\.3 s"):
            tunnel.connect("localhost", 80)
        with pytest.raises(ConnectionLostError, match="refuses connections"):
            tunnel.forward(TcpForward("localhost", 80))
        own_sshd.start()
        await_state(tunnel, State.OPEN)
        assert_echoes(address)


def test_the_wait_begins_when_the_client_comes_not_when_the_loss_is_noticed() -> None:
    loop, line = Mock(), Mock(transport=None, hopes=True)
    gate = Gate(loop, line, Mock(), wait=15.0)
    gate.admit(Mock(began=time.monotonic() - 10, has_deadline=False, meter=Meter()))
    [[seconds, _]] = [call.args for call in loop.call_later.call_args_list]
    assert 0 < seconds <= 5
    gate.admit(Mock(began=time.monotonic() - 20, has_deadline=False, meter=Meter()))
    assert loop.call_later.call_args.args[0] == 0


def test_a_server_that_says_nothing_any_more_is_given_up_for_a_new_connection(
    own_sshd: Sshd, tunnel: Tunnel, near: Path, socket_far_end: Callable[..., str]
) -> None:
    tunnel.forward(SocketForward(socket_far_end(), near))
    with dial(near) as client:
        client.sendall(b"hello")
        assert read_exactly(client, 5) == b"hello"
        own_sshd.signal_sessions(signal.SIGSTOP)
        assert client.recv(1) == b""
    own_sshd.signal_sessions(signal.SIGCONT)  # it finds that it is alone, and lets the far end go
    await_reconnection(tunnel)
    assert_echoes(near)


def test_a_silent_server_is_noticed_though_the_loop_hangs_on_a_full_connection(
    own_sshd: Sshd, tunnel: Tunnel, tcp_far_end: Callable[..., tuple[str, int]]
) -> None:
    address = tunnel.forward(TcpForward(*tcp_far_end(echo_until_lost)))
    clients = [dial(address) for _ in range(8)]
    for client in clients:
        client.sendall(b"hello")
        assert read_exactly(client, 5) == b"hello"
    own_sshd.signal_sessions(signal.SIGSTOP)
    for client in clients:
        with pytest.raises(ConnectionError):
            client.sendall(bytes(1 << 28))  # far more than the windows and buffers on the way hold
        client.close()
    own_sshd.signal_sessions(signal.SIGCONT)
    await_reconnection(tunnel)
    assert_echoes(address)


def test_a_silence_of_the_clients_is_no_fault(
    own_sshd: Sshd, tunnel: Tunnel, tcp_far_end: Callable[..., tuple[str, int]]
) -> None:
    """Nobody sends anything for many intervals, but the server answers when it is asked."""
    answers: set[float] = set()

    def many() -> bool:
        answers.add(tunnel.health.round_trip or 0.0)
        return len(answers) > QUICK["alive_count"]  # longer than a silence may last

    deadline = time.monotonic() + STARTING
    with dial(tunnel.forward(TcpForward(*tcp_far_end()))) as client:
        while not many():
            assert time.monotonic() < deadline
            threading.Event().wait(0.01)
        client.sendall(b"still here")
        assert read_exactly(client, 10) == b"still here"
    assert tunnel.health.reconnections == 0
    assert own_sshd.counted("Accepted publickey", 1) == 1


def test_a_far_end_that_goes_away_and_comes_back_is_served_by_the_same_connection(
    tunnel: Tunnel, near: Path, tmp_path: Path
) -> None:
    """As when the node's engine is restarted: sshd reaches nobody, and then somebody again."""
    path = tmp_path / "engine.sock"

    def engine() -> FarEnd:
        path.unlink(missing_ok=True)
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        sock.bind(str(path))
        sock.listen()
        return FarEnd(sock, echo)

    first = engine()
    tunnel.forward(SocketForward(str(path), near))
    assert_echoes(near)
    first.close()
    with dial(near) as client:
        assert client.recv(1) == b""
    second = engine()
    assert_echoes(near)
    second.close()
    assert tunnel.health.reconnections == 0


# --- what is told


def test_a_reconnection_is_told_once_with_cause_and_count(
    own_sshd: Sshd, tunnel: Tunnel, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, "tunnels")
    own_sshd.stop()
    await_state(tunnel, State.RECONNECTING)
    await_health(tunnel, lambda: "refuses connections" in str(tunnel.health.error))
    own_sshd.start()
    await_state(tunnel, State.OPEN)
    own_sshd.signal_sessions(signal.SIGSTOP)
    await_reconnection(tunnel, 2)
    tunnel.close()
    first, second = caplog.messages
    assert "connected again after" in first
    assert "for the 1. time" in first
    assert "for the 2. time" in second
    assert "nothing was heard for 3 s" in second


def test_its_health_shows_what_happens(own_sshd: Sshd) -> None:
    tunnel = Tunnel(own_sshd.target(**QUICK))
    seen = [tunnel.health]
    tunnel.open()
    seen.append(tunnel.health)
    own_sshd.stop()
    await_state(tunnel, State.RECONNECTING)
    seen.append(tunnel.health)
    own_sshd.start()
    await_state(tunnel, State.OPEN)
    seen.append(tunnel.health)
    tunnel.close()
    seen.append(tunnel.health)
    states = [State.NEW, State.OPEN, State.RECONNECTING, State.OPEN, State.CLOSED]
    assert [health.state for health in seen] == states
    assert [health.error is None for health in seen] == [True, True, False, True, True]
    assert [health.reconnections for health in seen] == [0, 0, 0, 1, 1]
    assert [health.since for health in seen] == sorted({health.since for health in seen})
    assert not tunnel.is_alive


def test_the_round_trip_is_that_of_the_last_keepalive(tunnel: Tunnel) -> None:
    deadline = time.monotonic() + PATIENCE
    while tunnel.health.round_trip is None:
        assert time.monotonic() < deadline
        threading.Event().wait(0.01)
    assert 0 < tunnel.health.round_trip < PATIENCE


def test_traffic_is_counted_by_forward(
    tunnel: Tunnel, near: Path, socket_far_end: Callable[..., str]
) -> None:
    spec = SocketForward(socket_far_end(), near)
    tunnel.forward(spec)
    opened = tunnel.traffic(spec)
    assert (opened.connections, opened.received, opened.sent) == (1, 0, 0)  # the check
    with dial(near) as client:
        client.sendall(bytes(1000))
        client.shutdown(socket.SHUT_WR)
        assert len(read_all(client)) == 1000
    counted = tunnel.traffic(spec)
    assert (counted.connections, counted.received, counted.sent) == (2, 1000, 1000)
    with pytest.raises(KeyError):
        tunnel.traffic(TcpForward("localhost", 80))


def test_whoever_sees_a_connection_end_can_tell_whether_the_tunnel_ended_it(
    own_sshd: Sshd,
    tunnel: Tunnel,
    tcp_far_end: Callable[..., tuple[str, int]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    address = tunnel.forward(TcpForward(*tcp_far_end(lambda connection: [connection.recv(1)])))
    began = time.monotonic()
    with dial(address) as client:
        client.sendall(b"x")
        assert client.recv(1) == b""  # the far end hangs up
        assert not tunnel.broke_since(began)
    for number in range(1, 11):
        began = time.monotonic()
        with dial(tunnel.forward(TcpForward(*tcp_far_end()))) as client:
            client.sendall(b"hello")
            assert read_exactly(client, 5) == b"hello"
            assert not tunnel.broke_since(began)
            own_sshd.signal_sessions(signal.SIGKILL)
            with pytest.raises(ConnectionResetError):
                client.recv(1)
            with monkeypatch.context() as patched:  # whatever the keeping thread knows by now
                patched.setattr(Line, "was_down_since", lambda *_: False)
                assert tunnel.broke_since(began)
        await_reconnection(tunnel, number)
        assert not tunnel.broke_since(time.monotonic())


# --- the socket's file


def test_a_socket_file_that_somebody_removed_is_made_again(
    tunnel: Tunnel,
    near: Path,
    socket_far_end: Callable[..., str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    tunnel.forward(SocketForward(socket_far_end(), near))
    for remove_directory in (False, True):
        near.unlink()
        if remove_directory:
            near.parent.rmdir()
        await_file(near)
        assert_echoes(near)
    assert [m for m in caplog.messages if "made again" in m] == [
        f"{near} was removed by somebody; it is made again"
    ] * 2
    tunnel.close()
    assert not near.exists()


def test_a_file_that_somebody_put_in_the_sockets_place_is_left_alone_and_told_once(
    tunnel: Tunnel,
    near: Path,
    socket_far_end: Callable[..., str],
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tunnel.forward(SocketForward(socket_far_end(), near))
    near.unlink()
    near.write_text("precious")
    looked = threading.Semaphore(0)
    look_after = Entrance.look_after

    def look(entrance: Entrance) -> None:
        look_after(entrance)
        looked.release()

    monkeypatch.setattr(Entrance, "look_after", look)
    for _ in range(3):
        assert looked.acquire(timeout=PATIENCE)
    assert near.read_text() == "precious"
    assert len([m for m in caplog.messages if "cannot be made again" in m]) == 1
    near.unlink()
    await_file(near)
    assert_echoes(near)


def await_file(path: Path) -> None:
    deadline = time.monotonic() + PATIENCE
    while not path.is_socket():
        assert time.monotonic() < deadline, f"{path} was not made again"
        threading.Event().wait(0.01)


# --- nothing is left


def test_many_reconnections_leave_no_descriptor_thread_or_channel(
    own_sshd: Sshd, tunnel: Tunnel, near: Path, socket_far_end: Callable[..., str]
) -> None:
    tunnel.forward(SocketForward(socket_far_end(), near))
    assert_echoes(near)
    threads = count_threads()
    for number in range(1, 11):
        with dial(near) as client:
            client.sendall(b"x")
            assert read_exactly(client, 1) == b"x"
            own_sshd.signal_sessions(signal.SIGKILL)
            assert client.recv(1) == b""
        await_reconnection(tunnel, number)
        assert_echoes(near)
        assert count_threads() == threads
        if number == 1:
            descriptors = count_descriptors(tunnel)
    assert count_descriptors(tunnel) == descriptors


def test_two_hundred_at_once_and_a_thousand_in_turn_after_a_reconnection(
    own_sshd: Sshd, tunnel: Tunnel, near: Path, socket_far_end: Callable[..., str]
) -> None:
    tunnel.forward(SocketForward(socket_far_end(), near))
    own_sshd.signal_sessions(signal.SIGKILL)
    await_reconnection(tunnel)
    assert_echoes(near)
    threads, descriptors = count_threads(), count_descriptors(tunnel)
    clients = [dial(near) for _ in range(200)]
    for client in clients:
        client.sendall(b"hello")
    for client in clients:
        assert read_exactly(client, 5) == b"hello"
        client.close()
    for _ in range(1000):
        assert_echoes(near)
    assert count_descriptors(tunnel) == descriptors
    assert count_threads() == threads
    transport = tunnel._line.transport
    assert transport is not None
    assert transport._asked == {}
    assert len(transport._channels) <= 1  # paramiko's thread holds the one it served last


def test_closing_while_it_is_reconnecting(own_sshd: Sshd, tunnel: Tunnel, near: Path) -> None:
    assert not near.exists()
    own_sshd.stop()
    await_state(tunnel, State.RECONNECTING)
    tunnel.close()
    with pytest.raises(ConnectionLostError, match="closed"):
        tunnel.connect("localhost", 80)


def test_closing_ends_who_waits(
    own_sshd: Sshd, tunnel: Tunnel, near: Path, socket_far_end: Callable[..., str]
) -> None:
    tunnel.forward(SocketForward(socket_far_end(), near))
    own_sshd.stop()
    await_state(tunnel, State.RECONNECTING)
    told: list[BaseException] = []

    def wait() -> None:
        with pytest.raises(ConnectionLostError) as caught:
            tunnel.connect("localhost", 80)
        told.append(caught.value)

    waiter = threading.Thread(target=wait)
    waiter.start()
    with dial(near) as client:
        await_relay(tunnel)
        tunnel.close()
        assert client.recv(1) == b""
    waiter.join(PATIENCE)
    assert "closed" in str(told[0])


def test_a_far_end_that_refuses_is_told_after_a_reconnection_too(
    own_sshd: Sshd, tunnel: Tunnel, tmp_path: Path, near: Path
) -> None:
    own_sshd.signal_sessions(signal.SIGKILL)
    await_reconnection(tunnel)
    with pytest.raises(FarEndError, match="does not exist"):
        tunnel.forward(SocketForward(str(tmp_path / "none.sock"), near))
