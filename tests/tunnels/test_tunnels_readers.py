"""What is read through a tunnel that is killed in the middle of an answer: all, or nothing."""

from __future__ import annotations

import io
import signal
import tarfile
import threading
import time
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

import pytest
from alive_helpers import assert_echoes, await_reconnection, await_state
from breaking_engine import BreakingEngine, as_head, as_json, as_stream, in_chunks
from far_ends import PATIENCE

from cluster_tests.errors import NodeError
from cluster_tests.fronts.front import Front
from cluster_tests.nodes import file_shell
from cluster_tests.nodes.node import Engine
from cluster_tests.way import Way
from tunnels import SocketForward, State, TcpForward

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from cluster_tests.bench.sshd import Sshd
    from tunnels import Tunnel

pytest_plugins = ["tunnel_fixtures", "alive_fixtures"]
pytestmark = pytest.mark.usefixtures("leaves_nothing")


@pytest.fixture
def breaking(own_sshd: Sshd, tunnel: Tunnel) -> BreakingEngine:
    def kill_once_it_has_arrived(sent: int) -> None:
        deadline = time.monotonic() + PATIENCE
        while sum(tunnel.traffic(spec).received for spec in tunnel.addresses) < sent:
            assert time.monotonic() < deadline
            threading.Event().wait(0.01)
        own_sshd.signal_sessions(signal.SIGKILL)

    return BreakingEngine(kill_once_it_has_arrived)


@pytest.fixture
def engine(
    tunnel: Tunnel, breaking: BreakingEngine, socket_far_end: Callable[..., str], tmp_path: Path
) -> Iterator[Engine]:
    near = tunnel.forward(SocketForward(socket_far_end(breaking.serve), tmp_path / "n" / "s.sock"))
    engine = Engine("core1", near, PATIENCE, Way("core1", tunnel.broke_since))
    engine.open()
    yield engine
    engine.close()


STAT = "X-Docker-Container-Path-Stat: e30=\r\n"


def archive(content: bytes) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        info = tarfile.TarInfo("file")
        info.size = len(content)
        tar.addfile(info, io.BytesIO(content))
    return packed.getvalue()


def test_an_answer_of_known_length_is_asked_for_again(
    engine: Engine, breaking: BreakingEngine
) -> None:
    breaking.answers["GET /images/json"] = as_json([{"RepoTags": ["one:1", "two:1"]}])
    breaking.cut = ("GET /images/json", b"one:1")
    assert engine.images() == {"one:1", "two:1"}
    assert breaking.asked.count("GET /images/json") == 2


def test_an_answer_in_chunks_is_asked_for_again(engine: Engine, breaking: BreakingEngine) -> None:
    packed = archive(b"all of it")
    breaking.answers["GET /containers/c/archive"] = in_chunks(
        packed[:512], packed[512:], headers=STAT
    )
    breaking.answers["HEAD /containers/c/archive"] = as_head(STAT)
    breaking.cut = ("GET /containers/c/archive", packed[:512] + b"\r\n")
    assert engine.read_archived("c", PurePosixPath("/file")) == b"all of it"
    assert breaking.asked.count("GET /containers/c/archive") == 2


def test_a_connection_that_was_kept_over_a_break_is_not_used(
    engine: Engine, breaking: BreakingEngine, own_sshd: Sshd, tunnel: Tunnel
) -> None:
    breaking.answers["GET /images/json"] = as_json([])
    for number in range(1, 4):
        engine.images()
        own_sshd.signal_sessions(signal.SIGKILL)
        await_reconnection(tunnel, number)
    assert breaking.asked.count("GET /images/json") == 3


def runs_a_process(breaking: BreakingEngine) -> None:
    """Let its output be cut between two frames, which is no other end than that of the output."""
    breaking.answers["POST /containers/c/exec"] = as_json({"Id": "e"})
    breaking.answers["POST /exec/e/start"] = as_stream(b"half ", b"and half")
    breaking.answers["GET /exec/e/json"] = as_json({"ExitCode": 0})
    breaking.cut = ("POST /exec/e/start", b"half ")


def test_a_process_that_changes_nothing_is_run_again(
    engine: Engine, breaking: BreakingEngine
) -> None:
    runs_a_process(breaking)
    assert engine.run("c", ["true"]).stdout == "half and half"
    assert breaking.asked.count("POST /exec/e/start") == 2


def test_a_process_that_changes_something_is_not_run_again_and_not_believed(
    engine: Engine, breaking: BreakingEngine
) -> None:
    runs_a_process(breaking)
    with pytest.raises(NodeError, match="core1: running true in c: the tunnel broke"):
        engine.run_once("c", ["true"])
    assert breaking.asked.count("POST /exec/e/start") == 1


def test_a_file_of_which_a_part_has_come_is_asked_for_again(
    engine: Engine, breaking: BreakingEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file_shell, "new_token", lambda: "mark")
    runs_a_process(breaking)
    breaking.answers["POST /exec/e/start"] = as_stream(b"half ", b"and half", b"\nmark 0\n")
    assert engine.read_file("c", PurePosixPath("/file")) == b"half and half"
    assert breaking.asked.count("POST /exec/e/start") == 2


# --- fronts


@pytest.fixture
def front_to(tunnel: Tunnel) -> Callable[[tuple[str, int]], Front]:
    """Reach a far end as a node's front."""

    def make(far_end: tuple[str, int]) -> Front:
        address = tunnel.forward(TcpForward(*far_end))
        return Front("core1", lambda _port: address, PATIENCE, Way("core1", tunnel.broke_since))

    return make


def test_an_end_that_the_tunnel_made_is_no_refusal(
    own_sshd: Sshd,
    front_to: Callable[[tuple[str, int]], Front],
    tcp_far_end: Callable[..., tuple[str, int]],
) -> None:
    asked: list[int] = []

    def greet_the_second(connection: socket.socket) -> None:
        asked.append(len(asked))
        if len(asked) == 2:  # the first one was the forward's own
            own_sshd.signal_sessions(signal.SIGKILL)
        else:
            connection.sendall(b"SSH-2.0-paper")

    assert not front_to(tcp_far_end(greet_the_second)).refuses(22)
    assert asked == [0, 1, 2]


def test_a_refusal_just_after_a_break_is_one(
    own_sshd: Sshd,
    tunnel: Tunnel,
    front_to: Callable[[tuple[str, int]], Front],
    tcp_far_end: Callable[..., tuple[str, int]],
) -> None:
    front = front_to(tcp_far_end(lambda _connection: None))
    own_sshd.signal_sessions(signal.SIGKILL)
    await_reconnection(tunnel)
    assert front.refuses(22)


def test_a_way_to_a_front_is_opened_again(
    own_sshd: Sshd, tunnel: Tunnel, tcp_far_end: Callable[..., tuple[str, int]]
) -> None:
    forward = TcpForward(*tcp_far_end())
    asked: list[int] = []

    def open_forward(port: int) -> tuple[str, int]:
        asked.append(port)
        if len(asked) == 1:
            own_sshd.signal_sessions(signal.SIGKILL)
            await_state(tunnel, State.RECONNECTING)
            raise NodeError("core1", "the connection ended")
        return tunnel.forward(forward)

    front = Front("core1", open_forward, PATIENCE, Way("core1", tunnel.broke_since))
    assert_echoes(front.address(80))
    assert asked == [80, 80]
