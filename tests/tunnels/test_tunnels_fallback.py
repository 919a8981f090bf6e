"""A server that forbids the forwarding of sockets: a command carries each connection instead."""

from __future__ import annotations

import shlex
import signal
import socket
import sys
import threading
from typing import TYPE_CHECKING

import pytest
from alive_helpers import QUICK, assert_echoes, await_reconnection
from far_ends import PATIENCE, dial, read_all, read_exactly

from tunnels import SocketForward, Tunnel, http_answers
from tunnels.errors import FarEndError, ForwardingForbiddenError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from cluster_tests.bench.sshd import Sshd

    Spec = Callable[[str], SocketForward]

pytest_plugins = ["tunnel_fixtures"]
pytestmark = pytest.mark.usefixtures("leaves_nothing")

# What `docker system dial-stdio` does: stdin to the socket, the socket to stdout, each to its end.
DIAL = """
import socket, sys, threading, os
s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1])
def up():
    while data := os.read(0, 65536): s.sendall(data)
    s.shutdown(socket.SHUT_WR)
threading.Thread(target=up, daemon=True).start()
while data := s.recv(65536):
    while data: data = data[os.write(1, data):]
"""


@pytest.fixture
def forbidding(make_sshd: Callable[..., Sshd]) -> Sshd:
    return make_sshd("AllowStreamLocalForwarding no", "MaxSessions 3")


@pytest.fixture
def tunnel(leaves_nothing: None, forbidding: Sshd) -> Iterator[Tunnel]:  # noqa: ARG001 - the order
    with Tunnel(forbidding.target(**QUICK)) as tunnel:
        yield tunnel


@pytest.fixture
def spec_to(tmp_path: Path) -> Callable[[str], SocketForward]:
    def make(far: str) -> SocketForward:
        command = shlex.join([sys.executable, "-c", DIAL, far])
        return SocketForward(far, tmp_path / "near" / "s.sock", fallback_command=command)

    return make


def test_it_works_and_is_told_once(
    tunnel: Tunnel,
    spec_to: Spec,
    socket_far_end: Callable[..., str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    near = tunnel.forward(spec_to(socket_far_end()))
    for _ in range(3):
        assert_echoes(near)
    told = [m for m in caplog.messages if "forbids the forwarding of sockets" in m]
    assert len(told) == 1


def test_without_the_command_it_is_refused_as_before(
    tunnel: Tunnel, tmp_path: Path, socket_far_end: Callable[..., str]
) -> None:
    with pytest.raises(ForwardingForbiddenError, match="forbids forwarding of the UNIX socket"):
        tunnel.forward(SocketForward(socket_far_end(), tmp_path / "near" / "s.sock"))


def test_a_command_that_is_missing_too_is_told_with_what_forbids_the_rest(
    tunnel: Tunnel, tmp_path: Path, socket_far_end: Callable[..., str]
) -> None:
    spec = SocketForward(
        socket_far_end(),
        tmp_path / "near" / "s.sock",
        answers=http_answers("/_ping"),
        fallback_command="no-such-docker system dial-stdio",
    )
    with pytest.raises(ForwardingForbiddenError) as caught:
        tunnel.forward(spec)
    assert "forbids forwarding of the UNIX socket" in caught.value.message
    assert "'no-such-docker system dial-stdio' ended with 127: " in caught.value.message
    assert "not found" in caught.value.message
    assert "AllowStreamLocalForwarding" in caught.value.remedy


def test_where_no_command_may_be_run_every_cause_is_named(
    make_sshd: Callable[..., Sshd], spec_to: Spec, socket_far_end: Callable[..., str]
) -> None:
    sshd = make_sshd("AllowStreamLocalForwarding no", "MaxSessions 0")
    with (
        Tunnel(sshd.target(**QUICK)) as tunnel,
        pytest.raises(FarEndError) as caught,
    ):
        tunnel.forward(spec_to(socket_far_end()))
    assert "AllowStreamLocalForwarding" in caught.value.remedy


def test_each_direction_ends_on_its_own(
    tunnel: Tunnel, spec_to: Spec, socket_far_end: Callable[..., str]
) -> None:
    def serve(connection: socket.socket) -> None:
        connection.sendall(b"%d bytes came" % len(read_all(connection)))

    near = tunnel.forward(spec_to(socket_far_end(serve)))
    with dial(near) as client:
        client.sendall(bytes(3_000_000))
        client.shutdown(socket.SHUT_WR)
        assert read_all(client) == b"3000000 bytes came"


def test_a_megabyte_each_way_arrives_unharmed(
    tunnel: Tunnel, spec_to: Spec, socket_far_end: Callable[..., str]
) -> None:
    near = tunnel.forward(spec_to(socket_far_end()))
    data = bytes(range(256)) * 4096
    with dial(near) as client:
        sender = threading.Thread(target=client.sendall, args=(data,))
        sender.start()
        assert read_exactly(client, len(data)) == data
        sender.join(PATIENCE)


def test_more_connections_than_sessions_wait_for_their_turn(
    forbidding: Sshd,
    tunnel: Tunnel,
    spec_to: Spec,
    socket_far_end: Callable[..., str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    near = tunnel.forward(spec_to(socket_far_end()))
    clients = [dial(near) for _ in range(9)]
    for number, client in enumerate(clients):
        client.sendall(b"%d" % number)
    for number, client in enumerate(clients):  # in the order in which they came
        assert read_exactly(client, 1) == b"%d" % number
        client.close()
    assert_echoes(near)
    assert len([m for m in caplog.messages if "allows no further session" in m]) == 1
    assert forbidding.count("no more sessions") > 0


def test_who_waits_for_a_session_may_give_up(
    tunnel: Tunnel, spec_to: Spec, socket_far_end: Callable[..., str]
) -> None:
    near = tunnel.forward(spec_to(socket_far_end()))
    clients = [dial(near) for _ in range(6)]
    for client in clients[:3]:
        client.sendall(b"x")
        assert read_exactly(client, 1) == b"x"
    for client in clients:
        client.close()
    assert_echoes(near)


def test_it_outlives_the_connection(
    forbidding: Sshd, tunnel: Tunnel, spec_to: Spec, socket_far_end: Callable[..., str]
) -> None:
    near = tunnel.forward(spec_to(socket_far_end()))
    clients = [dial(near) for _ in range(6)]
    for client in clients[:3]:
        client.sendall(b"x")
        assert read_exactly(client, 1) == b"x"
    forbidding.signal_sessions(signal.SIGKILL)
    for client in clients[:3]:
        assert client.recv(1) == b""
    await_reconnection(tunnel)
    for client in clients[3:]:
        client.sendall(b"y")
        assert read_exactly(client, 1) == b"y"
    for client in clients:
        client.close()
