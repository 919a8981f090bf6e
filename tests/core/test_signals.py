from __future__ import annotations

import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

import cluster_tests.way
from cluster_tests.errors import HarnessError
from cluster_tests.waiting.signals import Source, Sources
from cluster_tests.waiting.waiter import Bell

if TYPE_CHECKING:
    from collections.abc import Iterator


class Line(Source):
    """Listens to one end of a socket pair; the test holds the other."""

    def __init__(self, name: str, bell: Bell, *, refuse: bool = False) -> None:
        super().__init__(name, bell)
        self.refuse = refuse
        self.ours, self.theirs = socket.socketpair()

    def connect(self) -> None:
        if self.refuse:
            raise HarnessError(f"{self.name} refuses")
        if self.ours.fileno() < 0:
            self.ours, self.theirs = socket.socketpair()

    def listen(self) -> None:
        while self.ours.recv(1):
            self.bell.ring()

    def disconnect(self) -> None:
        for end in (self.ours, self.theirs):
            if end.fileno() >= 0:
                end.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        super().close()
        self.ours.close()
        self.theirs.close()


@pytest.fixture
def bell() -> Bell:
    return Bell()


@pytest.fixture
def line(bell: Bell) -> Iterator[Line]:
    line = Line("line", bell)
    line.open()
    yield line
    line.close()


@pytest.fixture
def executor() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(4) as executor:
        yield executor


def test_a_source_rings(line: Line, bell: Bell) -> None:
    before = bell.rung
    line.theirs.send(b"x")
    assert bell.wait(before, 5)


def test_closing_ends_the_thread_and_breaks_nothing(line: Line, bell: Bell) -> None:
    assert "line" in {thread.name for thread in threading.enumerate()}
    line.close()
    assert "line" not in {thread.name for thread in threading.enumerate()}
    assert not line.broken
    assert not bell.wait(bell.rung, 0)


def test_a_stream_that_ends_by_itself_breaks_the_bell(line: Line, bell: Bell) -> None:
    line.theirs.shutdown(socket.SHUT_RDWR)
    with pytest.raises(HarnessError, match="line: the other side ended the stream"):
        bell.wait(bell.rung, 5)
    assert line.broken


class Way(cluster_tests.way.Way):
    """Breaks when it is told to."""

    def __init__(self) -> None:
        super().__init__("core1", lambda _: self.broken)
        self.broken = False


class Renewed(Line):
    """Gets a new line each time it connects, and tells how often that was."""

    def __init__(self, name: str, bell: Bell) -> None:
        super().__init__(name, bell)
        self.way: Way = Way()
        self.connected = 0

    def connect(self) -> None:
        super().connect()
        self.connected += 1
        if self.connected > 1:
            self.ours.close()
            self.ours, self.theirs = socket.socketpair()
            self.way.broken = False


@pytest.fixture
def renewed(bell: Bell) -> Iterator[Renewed]:
    line = Renewed("renewed", bell)
    line.open()
    yield line
    line.close()


def test_one_that_breaks_with_its_way_opens_itself_again_and_rings(
    renewed: Renewed, bell: Bell
) -> None:
    for number in (2, 3):
        before, old = bell.rung, renewed.theirs
        renewed.way.broken = True
        old.shutdown(socket.SHUT_RDWR)
        assert bell.wait(before, 5)  # something may have been missed
        assert renewed.connected == number
        assert not renewed.broken
        old.close()
        before = bell.rung
        renewed.theirs.send(b"x")
        assert bell.wait(before, 5)


def test_one_whose_way_stays_broken_breaks_the_bell_in_the_end(
    renewed: Renewed, bell: Bell
) -> None:
    renewed.refuse = renewed.way.broken = True
    renewed.theirs.shutdown(socket.SHUT_RDWR)
    with pytest.raises(HarnessError, match="renewed refuses"):
        bell.wait(bell.rung, 5)
    assert renewed.broken


def test_a_broken_source_is_opened_again_before_the_next_wait(line: Line, bell: Bell) -> None:
    line.theirs.shutdown(socket.SHUT_RDWR)
    with pytest.raises(HarnessError):
        bell.wait(bell.rung, 5)
    Sources([line]).reopen_broken()
    before = bell.rung
    line.theirs.send(b"x")
    assert bell.wait(before, 5)


def test_one_that_cannot_open_closes_the_others(
    line: Line, bell: Bell, executor: ThreadPoolExecutor
) -> None:
    other, refusing = Line("other", bell), Line("refusing", bell, refuse=True)
    with pytest.raises(HarnessError, match="refusing refuses"):
        Sources([other, refusing]).open(executor)
    assert "other" not in {thread.name for thread in threading.enumerate()}
    assert line.name in {thread.name for thread in threading.enumerate()}


def test_what_is_heard_is_told_while_somebody_wants_to_know(bell: Bell) -> None:
    first, second = Line("first", bell), Line("second", bell)
    heard: list[tuple[str, object]] = []
    first.tell("before")
    with Sources([first, second]).overheard(
        lambda source, _at, what: heard.append((source.name, what))
    ):
        second.tell("meanwhile")
    first.tell("afterwards")
    assert heard == [("first", "before"), ("second", "meanwhile")]
    for line in (first, second):
        line.close()
