from __future__ import annotations

import socket
import struct
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cluster_tests.nodes.exec_stream import ExecStream, Frames

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

UPGRADED = b"HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n"


def frame(stream: int, payload: bytes) -> bytes:
    return struct.pack(">BxxxL", stream, len(payload)) + payload


@given(
    frames=st.lists(st.tuples(st.sampled_from([1, 2]), st.binary(max_size=300))),
    cuts=st.lists(st.integers(1, 50), min_size=1),
)
def test_frames_survive_any_cutting(frames: list[tuple[int, bytes]], cuts: list[int]) -> None:
    stream = b"".join(frame(*item) for item in frames)
    reader, found, turn = Frames(), [], 0
    while stream:
        size = cuts[turn % len(cuts)]
        found += list(reader.feed(stream[:size]))
        stream, turn = stream[size:], turn + 1
    assert found == frames


@pytest.fixture
def listener(tmp_path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "engine.sock"))
        listener.listen()
        yield listener


def engine(listener: socket.socket, answer: bytes, then: bytes = b"") -> threading.Thread:
    """Answer one request, echo one piece of stdin, close."""

    def serve() -> None:
        connection, _ = listener.accept()
        with connection:
            connection.recv(65536)
            connection.sendall(answer)
            if then:
                connection.sendall(then + frame(1, connection.recv(65536)))

    thread = threading.Thread(target=serve)
    thread.start()
    return thread


def test_output_that_comes_with_the_answers_head_is_not_lost(listener: socket.socket) -> None:
    thread = engine(listener, UPGRADED + frame(2, b"early"), frame(1, b"then"))
    with ExecStream(listener.getsockname(), "id", 5) as stream:
        stream.write(b"stdin")
        assert list(stream.frames()) == [(2, b"early"), (1, b"then"), (1, b"stdin")]
    thread.join()


def test_all_output_is_told_by_stream(listener: socket.socket) -> None:
    thread = engine(listener, UPGRADED + frame(2, b"early ") + frame(1, b"o"), frame(2, b"late"))
    with ExecStream(listener.getsockname(), "id", 5) as stream:
        stream.write(b"ut")
        assert stream.output(5) == (b"out", b"early late")
    thread.join()


def test_output_that_does_not_go_on_is_given_up(listener: socket.socket) -> None:
    with pytest.raises(TimeoutError), _silent(listener) as stream:
        stream.output(0.05)


def test_what_is_due_is_given_up_at_its_deadline(listener: socket.socket) -> None:
    with _silent(listener) as stream:
        with pytest.raises(TimeoutError):
            list(stream.frames(time.monotonic() + 0.05))
        with pytest.raises(TimeoutError):
            stream.write(b"too late", time.monotonic())


def test_who_leaves_off_hears_later_what_comes_later(listener: socket.socket) -> None:
    thread = engine(listener, UPGRADED + frame(1, b"early"), frame(1, b"then"))
    with ExecStream(listener.getsockname(), "id", 5) as stream:
        assert next(stream.frames()) == (1, b"early")
        stream.write(b"stdin")
        assert list(stream.frames()) == [(1, b"then"), (1, b"stdin")]
    thread.join()


@contextmanager
def _silent(listener: socket.socket) -> Iterator[ExecStream]:
    """Upgrade, and say nothing from then on."""
    over = threading.Event()

    def serve() -> None:
        connection, _ = listener.accept()
        with connection:
            connection.recv(65536)
            connection.sendall(UPGRADED)
            over.wait(5)

    thread = threading.Thread(target=serve)
    thread.start()
    with ExecStream(listener.getsockname(), "id", 5) as stream:
        try:
            yield stream
        finally:
            over.set()
            thread.join()


def test_a_refusal_says_what_the_engine_says(listener: socket.socket) -> None:
    thread = engine(listener, b'HTTP/1.1 409 Conflict\r\n\r\n{"message":"container is paused"}')
    with pytest.raises(ConnectionError, match=r"409 Conflict.*container is paused"):
        ExecStream(listener.getsockname(), "id", 5)
    thread.join()


def test_a_refusal_that_comes_in_pieces_is_read_to_its_end(
    listener: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    head_read = threading.Event()

    def serve() -> None:
        connection, _ = listener.accept()
        with connection:
            connection.recv(65536)
            connection.sendall(b"HTTP/1.1 404 Not Found\r\ncontent-length: 9\r\n\r\n")
            head_read.wait(5)
            connection.sendall(b"no such!!")

    thread = threading.Thread(target=serve)
    thread.start()
    begin_body = ExecStream._read_body

    def read_body(stream: ExecStream, head: bytes, body: bytes) -> bytes:
        head_read.set()
        return begin_body(stream, head, body)

    monkeypatch.setattr(ExecStream, "_read_body", read_body)
    with pytest.raises(ConnectionError, match="no such!!"):
        ExecStream(listener.getsockname(), "id", 5)
    thread.join()


def test_a_silent_engine_is_given_up_in_time(listener: socket.socket) -> None:
    with pytest.raises(TimeoutError):
        ExecStream(listener.getsockname(), "id", 0.1)


def test_shutting_down_ends_a_read_in_another_thread(listener: socket.socket) -> None:
    accepted = []

    def serve() -> None:
        connection, _ = listener.accept()
        accepted.append(connection)
        connection.recv(65536)
        connection.sendall(UPGRADED)

    server = threading.Thread(target=serve)
    server.start()
    stream = ExecStream(listener.getsockname(), "id", 5)
    reader = threading.Thread(target=lambda: list(stream.frames()))
    reader.start()
    stream.shutdown()
    reader.join(5)
    assert not reader.is_alive()
    stream.close()
    server.join()
    accepted[0].close()
