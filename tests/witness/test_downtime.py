"""How long an application was away, from attempts made up for it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cluster_tests.witness.attempts import Answer, Attempt, Outcome, Route, What
from cluster_tests.witness.downtime import Outage, downtimes, union

GOOD = Answer(Outcome.ACKNOWLEDGED)
ERROR = Answer(Outcome.FAILED, "refused")
UNKNOWN = Answer(Outcome.UNKNOWN, "reset")
PAGE = Answer(Outcome.FAILED, "503", maintenance=True)


def at(
    planned: float,
    answer: Answer = GOOD,
    node: str = "core1",
    what: What = What.READ,
    took: float = 0.01,
) -> Attempt:
    return Attempt(planned, planned, planned + took, node, what, answer)


def test_what_always_answers_was_never_away() -> None:
    away = downtimes([at(0), at(1), at(2)])[Route.HTTP]
    assert away.seconds == 0
    assert away.worst_node is None
    assert away.over
    assert away.resolution == 1


def test_the_resolution_is_that_of_the_ends() -> None:
    away = downtimes([at(0), at(5), at(5.5, ERROR), at(9, PAGE), at(9.25), at(15)])[Route.HTTP]
    assert away.resolution == 0.5
    away = downtimes([at(0), at(5), at(5.5, ERROR), at(9, PAGE), at(10), at(15)])[Route.HTTP]
    assert away.resolution == 1


def test_an_end_that_was_not_seen_has_no_resolution() -> None:
    away = downtimes([at(0), at(5), at(5.5, ERROR), at(9, PAGE)])[Route.HTTP]
    assert away.resolution == 0.5
    assert not away.over


def test_an_outage_lasts_from_the_first_failure_to_the_next_success() -> None:
    away = downtimes([at(0), at(1, ERROR), at(2, UNKNOWN), at(3), at(4)])[Route.HTTP]
    assert away.outages == (Outage(1, 3),)
    assert away.seconds == 2
    assert away.worst_node == "core1"
    assert away.outages[0].reason == "refused"


def test_the_order_of_the_attempts_does_not_matter() -> None:
    attempts = [at(0), at(1, ERROR), at(2), at(3, ERROR), at(4)]
    assert downtimes(reversed(attempts)) == downtimes(attempts)
    assert downtimes(attempts)[Route.HTTP].seconds == 2


def test_a_route_is_away_while_any_node_is() -> None:
    attempts = [
        at(0, node="core1"),
        at(1, ERROR, "core1"),
        at(2, ERROR, "core2"),
        at(3, node="core1"),
        at(4, ERROR, "core2"),
        at(6, node="core2"),
    ]
    away = downtimes(attempts)[Route.HTTP]
    assert away.outages == (Outage(1, 6),)
    assert away.nodes == {"core1": 2, "core2": 4}
    assert away.worst_node == "core2"


def test_the_maintenance_page_is_told_apart_from_errors() -> None:
    attempts = [at(0), at(1, ERROR), at(2, PAGE), at(3, PAGE), at(5, ERROR), at(6)]
    away = downtimes(attempts)[Route.HTTP]
    assert away.seconds == 5
    assert away.maintenance_seconds == 3


def test_an_answer_counts_from_when_it_was_planned() -> None:
    held_up = Attempt(1, 4.99, 5.0, "core1", What.READ, GOOD)
    assert held_up.seconds == 4
    away = downtimes([at(0), held_up, at(2)], patience=2.0)[Route.HTTP]
    assert away.outages == (Outage(1, 2),)


def test_an_answer_within_the_patience_is_an_answer() -> None:
    assert downtimes([at(0), at(1, took=1.9)], patience=2.0)[Route.HTTP].seconds == 0


def test_what_has_not_come_back_is_told() -> None:
    away = downtimes([at(0), at(1, ERROR), at(2, ERROR, took=0.5)])[Route.HTTP]
    assert away.outages == (Outage(1, 2.5),)
    assert not away.over
    assert "not back at the end" in str(away)


def test_a_node_that_never_served_is_told() -> None:
    away = downtimes([at(0), at(1, ERROR, "core2"), at(2)])[Route.HTTP]
    assert away.unheard == ("core2",)
    assert "never served through core2" in str(away)


def test_routes_are_measured_apart() -> None:
    away = downtimes([at(0), at(1, ERROR, what=What.GREETING), at(2, what=What.GREETING), at(3)])
    assert away[Route.HTTP].seconds == 0
    assert away[Route.SSH].seconds == 1


@pytest.mark.parametrize(
    ("outages", "joined"),
    [
        ([], ()),
        ([Outage(3, 4), Outage(1, 2)], (Outage(1, 2), Outage(3, 4))),
        ([Outage(1, 2), Outage(2, 3)], (Outage(1, 3),)),
        ([Outage(1, 9), Outage(2, 3)], (Outage(1, 9),)),
    ],
)
def test_outages_are_joined(outages: list[Outage], joined: tuple[Outage, ...]) -> None:
    assert union(outages) == joined


def cut(attempt: Attempt) -> Attempt:
    return replace(attempt, cut_off=True)


def test_what_was_cut_off_is_no_outage_but_a_time_in_which_nobody_looked() -> None:
    away = downtimes([at(0), at(1), cut(at(2, ERROR)), cut(at(3, UNKNOWN)), at(4)])[Route.HTTP]
    assert away.outages == ()
    assert away.over
    assert away.resolution == 3


def test_what_was_served_though_the_way_broke_counts() -> None:
    away = downtimes([at(0), at(1, ERROR), cut(at(2)), at(3)])[Route.HTTP]
    assert away.outages == (Outage(1, 2),)


def test_an_outage_in_which_the_way_broke_lasts_until_it_is_seen_to_be_over() -> None:
    away = downtimes([at(0), at(1, PAGE), cut(at(2, ERROR)), at(3, ERROR), at(4)])[Route.HTTP]
    assert away.outages == (Outage(1, 4),)
    assert away.maintenance_seconds == 2


def test_a_way_that_was_always_broken_was_never_heard() -> None:
    away = downtimes([cut(at(0, ERROR)), at(0.5, node="core2"), cut(at(1, ERROR))])[Route.HTTP]
    assert away.unheard == ("core1",)
    assert away.exceeds(1)
    alone = downtimes([cut(at(0, ERROR))])[Route.HTTP]
    assert alone.unheard == ("core1",)
