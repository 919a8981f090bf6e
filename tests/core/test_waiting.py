from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

import pytest

from cluster_tests.errors import HarnessError, NotSettledError, SeveralErrors
from cluster_tests.waiting.waiter import Bell, NotYet, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture
def later() -> Iterator[Callable[[float, Callable[[], object]], None]]:
    timers: list[threading.Timer] = []

    def start(seconds: float, call: Callable[[], object]) -> None:
        timers.append(threading.Timer(seconds, call))
        timers[-1].start()

    yield start
    for timer in timers:
        timer.join()


def answers(*values: object) -> Callable[[], object]:
    rest = iter(values)
    return lambda: next(rest)


def test_what_is_there_needs_no_signal() -> None:
    waited = wait_until(lambda: 7, Bell(), what="x", timeout=5)
    assert (waited.value, waited.looks, waited.silent) == (7, 1, 0)


def test_a_signal_makes_it_look_at_once(
    later: Callable[[float, Callable[[], object]], None],
) -> None:
    bell = Bell()
    later(0.1, bell.ring)
    waited = wait_until(answers(NotYet("a"), 1), bell, what="x", timeout=5, backstop=5)
    assert waited.looks == 2
    assert waited.silent == 0
    assert waited.seconds < 1


def test_signals_during_a_look_make_one_more_look_and_none_is_lost() -> None:
    bell = Bell()
    looks = 0

    def look() -> int | NotYet:
        nonlocal looks
        looks += 1
        if looks > 1:
            return looks
        for _ in range(5):
            bell.ring()
        return NotYet("rung during the look")

    waited = wait_until(look, bell, what="x", timeout=5, backstop=5)
    assert waited.looks == 2
    assert waited.seconds < 1


def test_noticing_counts_from_the_signal_through_the_look_that_was_under_way() -> None:
    bell = Bell()
    bell.ring()
    looks = 0

    def look() -> int | NotYet:
        nonlocal looks
        looks += 1
        if looks == 1:
            bell.ring()
        threading.Event().wait(0.05)  # a look takes its time
        return looks if looks > 1 else NotYet("rung during the look")

    waited = wait_until(look, bell, what="x", timeout=5, backstop=5)
    assert 0.1 <= waited.noticed <= waited.seconds
    assert wait_until(lambda: 1, bell, what="x", timeout=5).noticed < 0.05


def test_without_a_signal_noticing_counts_from_when_it_was_last_seen_false() -> None:
    def look() -> int | NotYet:
        threading.Event().wait(0.05)  # a look takes its time
        return next(found)

    found = iter((NotYet("a"), NotYet("b"), 1))
    waited = wait_until(look, Bell(), what="x", timeout=5, backstop=0.1)
    assert waited.silent == 2
    assert 0.2 <= waited.noticed <= waited.seconds - 0.15  # two looks and the backstop between


def test_a_signal_before_the_look_is_no_reason_for_another() -> None:
    bell = Bell()
    bell.ring()
    with pytest.raises(NotSettledError, match="2 looks"):
        wait_until(lambda: NotYet("a"), bell, what="x", timeout=0.1)


def test_without_signals_the_backstop_looks_and_is_counted() -> None:
    waited = wait_until(
        answers(NotYet("a"), NotYet("b"), 1), Bell(), what="x", timeout=5, backstop=0.01
    )
    assert (waited.looks, waited.silent) == (3, 2)
    assert waited.unannounced == "b"


def test_what_a_signal_told_of_is_not_unannounced() -> None:
    bell = Bell()

    def look() -> int | NotYet:
        bell.ring()
        return next(found)

    found = iter((NotYet("a"), 1))
    assert wait_until(look, bell, what="x", timeout=5).unannounced == ""


def test_what_others_have_heard_of_too_is_not_unannounced() -> None:
    bell = Bell()

    def look() -> int | NotYet:
        bell.ring()
        bell.hear()  # as another does, who waits at the same time
        return next(found)

    found = iter((NotYet("a"), 1))
    assert wait_until(look, bell, what="x", timeout=5).unannounced == ""


def test_the_timeout_carries_the_last_reason() -> None:
    bell = Bell()
    begin = time.monotonic()
    with pytest.raises(NotSettledError, match=r"x: not within 0.2 s.*\nthe reason"):
        wait_until(lambda: NotYet("the reason"), bell, what="x", timeout=0.2)
    assert 0.2 <= time.monotonic() - begin < 1


def test_the_last_look_begins_at_the_deadline() -> None:
    begin = time.monotonic()
    waited = wait_until(
        lambda: 1 if time.monotonic() - begin >= 0.2 else NotYet("early"),
        Bell(),
        what="x",
        timeout=0.2,
        backstop=5,
    )
    assert waited.value == 1


def test_a_storm_of_signals_cannot_outlast_the_deadline() -> None:
    bell = Bell()

    def look() -> NotYet:
        bell.ring()
        return NotYet("never")

    with pytest.raises(NotSettledError):
        wait_until(look, bell, what="x", timeout=0.1)


def test_a_source_that_breaks_fails_the_wait(
    later: Callable[[float, Callable[[], object]], None],
) -> None:
    bell = Bell()
    later(0.05, lambda: bell.fail("probe", HarnessError("it broke")))
    with pytest.raises(HarnessError, match="it broke"):
        wait_until(lambda: NotYet("a"), bell, what="x", timeout=5, backstop=5)


def test_several_broken_sources_are_all_told() -> None:
    bell = Bell()
    bell.fail("one", HarnessError("one broke"))
    bell.fail("two", HarnessError("two broke"))
    with pytest.raises(SeveralErrors, match=r"(?s)one broke.*two broke"):
        bell.wait(0, 1)


def test_a_mended_source_rings_for_what_it_missed() -> None:
    bell = Bell()
    bell.fail("probe", HarnessError("it broke"))
    before = bell.rung
    bell.mend("probe")
    assert bell.wait(before, 0)


def test_what_a_look_raises_ends_the_wait() -> None:
    def look() -> int:
        raise HarnessError("the tunnel")

    with pytest.raises(HarnessError, match="the tunnel"):
        wait_until(look, Bell(), what="x", timeout=5)
