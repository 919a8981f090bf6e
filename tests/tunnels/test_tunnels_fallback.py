"""A server that forbids the forwarding of sockets: a command carries each connection instead."""

from __future__ import annotations

import socket
import threading
from typing import TYPE_CHECKING

import pytest
from alive_helpers import QUICK, assert_echoes
from far_ends import PATIENCE, dial, read_all, read_exactly

from tunnels import SocketForward, Tunnel, http_answers
from tunnels.errors import FarEndError, ForwardingForbiddenError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from cluster_tests.bench.sshd import Sshd

    Spec = Callable[[str], SocketForward]

pytest_plugins = ["tunnel_fixtures", "alive_fixtures", "fallback_fixtures"]
pytestmark = pytest.mark.usefixtures("leaves_nothing")


@pytest.fixture
def own_sshd(forbidding: Sshd) -> Sshd:
    """What the tunnel leads to."""
    return forbidding


def test_it_works_and_is_told_once(
    tunnel: Tunnel,
    spec_to: Spec,
    socket_far_end: Callable[..., str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    spec = spec_to(socket_far_end())
    near = tunnel.forward(spec)
    for _ in range(3):
        assert_echoes(near)
    assert tunnel.fallbacks == (spec,)
    told = [m for m in caplog.messages if "forbids the forwarding of sockets" in m]
    assert len(told) == 1


def test_what_is_not_forbidden_is_no_fallback(
    sshd: Sshd, spec_to: Spec, socket_far_end: Callable[..., str]
) -> None:
    with Tunnel(sshd.target(**QUICK)) as tunnel:
        assert_echoes(tunnel.forward(spec_to(socket_far_end())))
        assert tunnel.fallbacks == ()


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


def test_a_command_that_ends_after_its_output_is_waited_for(
    tunnel: Tunnel, tmp_path: Path, socket_far_end: Callable[..., str]
) -> None:
    def give_up(client: socket.socket) -> None:
        """Close when no answer comes, as HTTP clients do, and have the tunnel notice it."""
        assert read_all(client) == b""
        client.close()
        for _ in range(3):
            noticed = threading.Event()
            tunnel._loop.call(noticed.set)
            assert noticed.wait(PATIENCE)
        raise ValueError("no answer")

    spec = SocketForward(
        socket_far_end(),
        tmp_path / "near" / "s.sock",
        answers=give_up,
        fallback_command="echo no such thing >&2; exec <&- >&-; sleep 0.5; exit 127",
    )
    with pytest.raises(ForwardingForbiddenError, match="ended with 127: no such thing"):
        tunnel.forward(spec)


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
