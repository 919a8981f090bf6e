"""More clients than sessions: further connections carry them, up to a number; then they wait."""

from __future__ import annotations

import signal
import threading
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from alive_helpers import assert_echoes, await_reconnection
from far_ends import PATIENCE, dial, read_exactly

from tunnels import State, TcpForward, Tunnel, backoff, spares
from tunnels.connection import connect
from tunnels.errors import UnreachableError

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from cluster_tests.bench.sshd import Sshd
    from tunnels import SocketForward
    from tunnels.specs import Target
    from tunnels.transport import Transport

    Spec = Callable[[str], SocketForward]

pytest_plugins = ["tunnel_fixtures", "alive_fixtures", "fallback_fixtures"]
pytestmark = pytest.mark.usefixtures("leaves_nothing")


LOGIN = "Accepted publickey"
LEFT = "Connection closed by"

SESSIONS = 2 * (1 + spares.LIMIT)
"""How many clients are served side by side: MaxSessions is 2."""


@pytest.fixture
def own_sshd(forbidding: Sshd) -> Sshd:
    """What the tunnel leads to."""
    return forbidding


@pytest.fixture
def near(
    forbidding: Sshd, tunnel: Tunnel, spec_to: Spec, socket_far_end: Callable[..., str]
) -> Path:
    path = tunnel.forward(spec_to(socket_far_end()))
    # What forward looked at, and the check: their sessions end a moment later.
    forbidding.wait_for("Close session", times=2)
    return path


def serve_side_by_side(near: Path, count: int) -> list[socket.socket]:
    clients = [dial(near) for _ in range(count)]
    for client in clients:
        client.sendall(b"x")
    for client in clients:
        assert read_exactly(client, 1) == b"x"
    return clients


def close_all(clients: Iterable[socket.socket]) -> None:
    for client in clients:
        client.close()


def test_seven_clients_are_served_side_by_side(
    forbidding: Sshd, near: Path, caplog: pytest.LogCaptureFixture
) -> None:
    close_all(serve_side_by_side(near, 7))
    assert forbidding.counted(LOGIN, 4) == 4
    assert len([m for m in caplog.messages if "allows no further session" in m]) == 1


def test_as_many_as_there_are_sessions_need_no_further_connection(
    forbidding: Sshd, near: Path
) -> None:
    close_all(serve_side_by_side(near, 2))
    assert forbidding.counted(LOGIN, 1) == 1


def test_more_wait_for_their_turn(forbidding: Sshd, near: Path) -> None:
    served = serve_side_by_side(near, SESSIONS)
    waiting = [dial(near) for _ in range(4)]
    for number, client in enumerate(waiting):
        client.sendall(b"%d" % number)
    for number, client in enumerate(waiting):  # in the order in which they came
        served.pop().close()
        assert read_exactly(client, 1) == b"%d" % number
    assert forbidding.counted(LOGIN, 1 + spares.LIMIT) == 1 + spares.LIMIT
    close_all([*served, *waiting])


def test_who_waits_for_a_session_may_give_up(near: Path) -> None:
    served = serve_side_by_side(near, SESSIONS)
    waiting = [dial(near) for _ in range(3)]
    close_all([*waiting, *served])
    assert_echoes(near)


def test_closing_ends_all_connections(forbidding: Sshd, tunnel: Tunnel, near: Path) -> None:
    clients = serve_side_by_side(near, 7)
    tunnel.close()
    forbidding.wait_for(LEFT, times=4)
    close_all(clients)


def test_closing_does_not_wait_for_one_that_is_being_opened(
    forbidding: Sshd, tunnel: Tunnel, near: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, closed = threading.Event(), threading.Event()

    def connect_slowly(target: Target) -> Transport:
        begun.set()
        assert closed.wait(PATIENCE)
        return connect(target)

    monkeypatch.setattr(spares, "connect", connect_slowly)
    clients = [*serve_side_by_side(near, 2), dial(near)]
    assert begun.wait(PATIENCE)
    tunnel.close()
    closed.set()
    forbidding.wait_for(LEFT, times=2)
    close_all(clients)


def test_further_connections_that_die_are_opened_again_on_demand(
    forbidding: Sshd, tunnel: Tunnel, near: Path
) -> None:
    clients = serve_side_by_side(near, 7)
    forbidding.signal_sessions(signal.SIGKILL, spared=1)
    for client in clients[2:]:
        assert client.recv(1) == b""
    for client in clients[:2]:  # over the tunnel's own, which stands
        client.sendall(b"y")
        assert read_exactly(client, 1) == b"y"
    close_all(serve_side_by_side(near, 5))
    assert tunnel.health.state is State.OPEN
    assert tunnel.health.reconnections == 0
    assert forbidding.counted(LOGIN, 7) == 7
    close_all(clients)


def test_one_that_is_silent_is_given_up_for_another(forbidding: Sshd, near: Path) -> None:
    clients = serve_side_by_side(near, 4)
    forbidding.signal_sessions(signal.SIGSTOP, spared=1)
    for client in clients[2:]:
        assert client.recv(1) == b""
    close_all(serve_side_by_side(near, 2))
    assert forbidding.counted(LOGIN, 3) == 3
    forbidding.signal_sessions(signal.SIGKILL, spared=1)  # the far end waits for the frozen ones
    close_all(clients)


def test_who_waits_outlives_the_connections(forbidding: Sshd, tunnel: Tunnel, near: Path) -> None:
    served = serve_side_by_side(near, SESSIONS)
    waiting = [dial(near) for _ in range(3)]
    forbidding.signal_sessions(signal.SIGSTOP)  # or the last would still serve while the first die
    forbidding.signal_sessions(signal.SIGKILL)
    for client in served:
        assert client.recv(1) == b""
    await_reconnection(tunnel)
    for client in waiting:
        client.sendall(b"y")
        assert read_exactly(client, 1) == b"y"
    close_all([*served, *waiting])


def test_a_session_that_sshd_has_not_freed_yet_is_waited_for(
    tunnel: Tunnel, spec_to: Spec, socket_far_end: Callable[..., str]
) -> None:
    """sshd counts one until its command has ended, however long ago the client left."""
    spec = spec_to(socket_far_end())
    lingering = replace(
        spec, fallback_command=f"{spec.fallback_command}; exec <&- >&- 2>&-; sleep 1"
    )
    near = tunnel.forward(lingering)
    for _ in range(2 * SESSIONS):  # more than there are: some find none free, and none in use
        assert_echoes(near)


def test_what_needs_no_session_takes_the_tunnels_own_connection(
    tunnel: Tunnel, near: Path, tcp_far_end: Callable[..., tuple[str, int]]
) -> None:
    clients = serve_side_by_side(near, 7)
    with dial(tunnel.forward(TcpForward(*tcp_far_end()))) as client:
        client.sendall(b"x")
        assert read_exactly(client, 1) == b"x"
        # The one of the forward's own check may still be about to end.
        over = {r.transport for r in tunnel._gate.relays if not r.destination.command}
        assert over == {tunnel._line.transport}
    close_all(clients)


def test_one_that_carries_nothing_is_closed(
    forbidding: Sshd, tunnel: Tunnel, near: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spares, "IDLE", 0.0)
    clients = serve_side_by_side(near, 4)
    close_all(clients[2:])
    forbidding.wait_for(LEFT)
    close_all(serve_side_by_side(near, 2))
    assert tunnel.health.state is State.OPEN
    close_all(clients[:2])


def test_the_host_key_is_verified_and_no_second_try_made(
    forbidding: Sshd, tunnel: Tunnel, near: Path, caplog: pytest.LogCaptureFixture
) -> None:
    forbidding.know(forbidding.identity)  # another key than the server's
    served = serve_side_by_side(near, 2)
    with dial(near) as waiting:
        waiting.sendall(b"w")
        forbidding.wait_for("no more sessions", times=5)
        close_all(served)
        assert read_exactly(waiting, 1) == b"w"
    assert forbidding.counted(LOGIN, 1) == 1
    told = [m for m in caplog.messages if "no further connection for sessions" in m]
    assert len(told) == 1
    assert "ssh-keygen" in told[0]
    assert tunnel.health.state is State.OPEN


def test_a_try_that_fails_is_made_again_later(
    near: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    errors: list[Exception] = [UnreachableError("not now"), RuntimeError("a mistake of our own")]

    def try_to_connect(target: Target) -> Transport:
        if errors:
            raise errors.pop(0)
        return connect(target)

    monkeypatch.setattr(spares, "connect", try_to_connect)
    monkeypatch.setattr(backoff, "LONGEST", 0.2)
    close_all(serve_side_by_side(near, 3))
    told = [m for m in caplog.messages if "no further connection for sessions" in m]
    assert ["not now" in told[0], "a mistake of our own" in told[1]] == [True, True]
