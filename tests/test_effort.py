"""Where the time went: measured, and never in the harness's favour where it is not known."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cluster_tests.effort import REST, Effort

if TYPE_CHECKING:
    from collections.abc import Callable


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def effort(clock: Clock) -> Effort:
    return Effort(clock)


def test_what_nobody_noted_is_the_harness_own(clock: Clock, effort: Effort) -> None:
    clock.now = 6.0
    effort.waited("switching", 5.0, 0.5)  # from 1 to 5.5, and noticed at 6
    with effort.cluster("answering"):
        clock.now = 8.0
    with effort.own("publishing"):
        clock.now = 9.0
    clock.now = 10.0
    figures = effort.figures()
    assert (figures.wall, figures.cluster, figures.own) == (10.0, 6.5, 3.5)
    assert figures.own_share == pytest.approx(0.35)
    assert figures.parts_of_cluster == {"switching": 4.5, "answering": 2.0}
    assert figures.parts_of_own == {REST: 2.0, "publishing": 1.0, "noticing": 0.5}
    assert sum(figures.parts_of_own.values()) == figures.own


def test_what_overlaps_counts_once(clock: Clock, effort: Effort) -> None:
    clock.now = 4.0
    effort.waited("switching", 3.0, 0.0)  # 1 to 4
    clock.now = 5.0
    effort.waited("switching", 3.0, 0.0)  # 2 to 5
    effort.waited("switching", 1.0, 0.0)  # within the one before
    clock.now = 8.0
    effort.waited("answering", 1.0, 0.0)  # 7 to 8
    assert effort.figures().cluster == 5.0
    assert effort.figures().parts_of_cluster["switching"] == 4.0


def test_nothing_is_the_harness_own_while_the_cluster_works(clock: Clock, effort: Effort) -> None:
    with effort.own("withdrawing"):
        clock.now = 1.0
        with effort.cluster("switching"):
            clock.now = 3.0
        clock.now = 4.0
    assert effort.figures().parts_of_own["withdrawing"] == 2.0
    assert effort.figures().own_share == 0.5


@pytest.mark.parametrize("noted", [Effort.cluster, Effort.own])
def test_what_fails_has_taken_its_time_all_the_same(
    clock: Clock, effort: Effort, noted: Callable[..., object]
) -> None:
    def fail() -> None:
        with noted(effort, "asking"):  # type: ignore[attr-defined]
            clock.now = 3.0
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    figures = effort.figures()
    assert {**figures.parts_of_cluster, **figures.parts_of_own}["asking"] == 3.0


def test_people_read_the_shares_what_takes_most_and_how_late_it_was_noticed(
    clock: Clock, effort: Effort
) -> None:
    for noticed in (0.050, 0.080, 0.300):
        clock.now += 10.0
        effort.waited("switching", 9.0, noticed)
        effort.switched(9.5, noticed)
    for doing in ("publishing", "withdrawing"):
        with effort.own(doing):
            clock.now += 0.5
    first, second, third = effort.figures().lines()
    assert first == "time: 31.0 s, 26.6 s of it the cluster's: switching 26.6 s"
    assert second == (
        "the harness's own share: 14.3% (goal: under 10%), above all the rest 3.0 s,"
        " publishing 0.5 s, withdrawing 0.5 s"
    )
    assert third == (
        "switches: 3, median 9.50 s; noticed 80 ms after the last signal (median; at most 300 ms;"
        " goal: under 100 ms)"
    )


def test_nothing_is_said_where_nothing_was_switched(effort: Effort) -> None:
    assert list(effort.figures().lines()) == []


def test_a_run_of_no_time_has_no_share(effort: Effort) -> None:
    assert effort.figures().own_share == 0.0
