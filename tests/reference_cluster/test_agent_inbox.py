"""Events are taken once, and handled in their order."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
from switch_agent.inbox import Inbox
from switch_agent.names import Application
from switch_agent.payload import Event

if TYPE_CHECKING:
    from pathlib import Path

SHOP, BLOG = Application("http://forge/shop", "main"), Application("http://forge/blog", "x/y")


def event(identity: str, time: int = 1) -> Event:
    return Event(identity, "deploy", "e30=", time)


@pytest.fixture
def inbox(tmp_path: Path) -> Inbox:
    return Inbox(tmp_path / "events.log", tmp_path / "run")


def test_an_event_is_taken_once(inbox: Inbox) -> None:
    assert [e.id for e in inbox.claim([event("a"), event("b"), event("a")])] == ["a", "b"]
    assert [e.id for e in inbox.claim([event("b"), event("c")])] == ["c"]
    assert inbox.log.read_text() == "a\nb\nc\n"


def test_nothing_is_written_when_there_is_nothing_new(inbox: Inbox) -> None:
    assert inbox.claim([]) == []
    assert not inbox.log.exists()


def test_of_many_processes_one_takes_an_event(inbox: Inbox) -> None:
    with ThreadPoolExecutor(8) as pool:
        taken = list(pool.map(lambda _: inbox.claim([event("a")]), range(40)))
    assert sum(len(each) for each in taken) == 1


def test_events_wait_in_lamport_order(inbox: Inbox) -> None:
    for each in (event("late", 12), event("early", 9)):
        inbox.put(SHOP, each)
    first = inbox.first(SHOP)
    assert first == event("early", 9)
    inbox.finish(SHOP, first)
    assert inbox.first(SHOP) == event("late", 12)


def test_applications_wait_apart(inbox: Inbox) -> None:
    inbox.put(SHOP, event("a"))
    assert inbox.first(BLOG) is None
    assert inbox.lock(SHOP) != inbox.lock(BLOG)


def test_what_was_interrupted_is_found_once(inbox: Inbox) -> None:
    inbox.put(SHOP, event("a"))
    inbox.put(BLOG, event("b"))
    assert {each.id for each in inbox.interrupted()} == {"a", "b"}
    assert inbox.interrupted() == []
    assert inbox.first(SHOP) is None
