"""Where the time went: measured, and never in the harness's favour where it is not known."""

from __future__ import annotations

import pytest

from cluster_tests.effort import Effort, Waiting, last_word


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_what_is_neither_switching_nor_answering_is_the_harness_own() -> None:
    clock = Clock()
    effort = Effort(clock)
    effort.switched(Waiting(asked=100.0, settled=106.0, ended=105.0))
    clock.now = 6.0
    with effort.asking():
        clock.now = 8.0
    clock.now = 10.0
    assert effort.own_share == pytest.approx(0.3)  # 10 - 5 - 2
    first, second = effort.lines()
    assert "10.0 s; the cluster switched 5.0 s and answered 2.0 s" in first
    assert "own share: 30%" in first
    assert "median 6.00 s; seen to have settled 1000 ms after" in second


def test_where_no_log_tells_the_end_it_is_said() -> None:
    effort = Effort()
    effort.switched(Waiting(1.0, 2.0, None))
    assert "is not known" in list(effort.lines())[1]


def test_nothing_is_said_where_nothing_was_switched() -> None:
    assert list(Effort().lines()) == []


def test_a_clock_that_is_ahead_makes_nobody_early() -> None:
    assert Waiting(1.0, 2.0, 2.5).late == 0.0


def test_the_last_word_of_an_event_is_found_among_others() -> None:
    lines = [
        "2026-01-01T00:00:01.500Z e1 INFO stop took 0.1 s",
        "2026-01-01T00:00:02.250Z e1 INFO done",
        "2026-01-01T00:00:09.000Z e2 INFO done",
        "Traceback of e1",
    ]
    assert last_word(lines, "e1") == 1767225602.25
    assert last_word(lines, "e3") is None
    assert last_word(["no time at all e1"], "e1") is None
