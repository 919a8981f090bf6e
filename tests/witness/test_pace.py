"""Which way is tried at which turn; turns and answers are made up, and nothing waits."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise, product
from typing import TYPE_CHECKING

import pytest

from cluster_tests.witness.attempts import Answer, Outcome, Route, Slot, Way
from cluster_tests.witness.outlook import Outlook
from cluster_tests.witness.pace import Pace

if TYPE_CHECKING:
    from collections.abc import Iterable

NODES = ("core1", "core2", "core3", "core4")
WAYS = tuple(product(NODES, Route))
SERVED, REFUSED = Answer(Outcome.ACKNOWLEDGED), Answer(Outcome.FAILED, "refused")
PAGE = Answer(Outcome.FAILED, "503", maintenance=True)
Answers = Callable[[str, Route], Answer]
BEGIN = 10.0  # seconds after which everything was tried, and answered


def settled(answers: Answers, ways: Iterable[Way] = WAYS) -> Pace:
    """Give a pace of 50 turns a second that has had an answer over each way until ``BEGIN``."""
    pace = Pace(ways, 50.0)
    for at in range(round(BEGIN * 50)):
        take(pace, at / 50, answers)
    return pace


def take(pace: Pace, after: float, answers: Answers) -> list[Slot]:
    slots = [slot for route in pace.routes if (slot := pace.slot((after, route)))]
    for slot in slots:
        pace.ended(slot, answers(*slot.way))
    return slots


def taken(pace: Pace, seconds: float, answers: Answers) -> list[Slot]:
    turns = range(round(BEGIN * 50), round((BEGIN + seconds) * 50))
    return [slot for at in turns for slot in take(pace, at / 50, answers)]


def gaps(slots: list[Slot], route: Route, node: str | None = None) -> set[int]:
    """Give the numbers of turns between attempts over a route, through one node or any."""
    own = [slot.after for slot in slots if slot.route is route and node in (None, slot.node)]
    return {round((later - sooner) * 50) for sooner, later in pairwise(own)}


def well(_node: str, _route: Route) -> Answer:
    return SERVED


def test_where_all_is_well_each_route_has_its_own_times() -> None:
    slots = taken(settled(well), 4.0, well)
    assert gaps(slots, Route.HTTP) == {10}
    assert gaps(slots, Route.SSH) == {50}
    assert {slot.node for slot in slots if slot.route is Route.SSH} == set(NODES)


@pytest.mark.parametrize("outlook", [Outlook.LEAVING, Outlook.AWAY])
def test_at_a_hint_and_at_the_flag_all_that_is_served_is_tried_at_each_turn(
    outlook: Outlook,
) -> None:
    pace = settled(well)
    pace.outlook = outlook
    slots = taken(pace, 4.0, well)
    for route in Route:
        assert gaps(slots, route) == {1}
        assert gaps(slots, route, "core3") == {4}


def test_a_hint_hurries_what_was_never_tried_as_well() -> None:
    pace = Pace(WAYS, 50.0)
    pace.outlook = Outlook.LEAVING
    slots = [slot for at in range(60) for slot in take(pace, at / 50, well)]
    assert gaps(slots, Route.SSH) == {1}
    assert gaps(slots, Route.HTTP) == {1}


def test_what_is_away_for_maintenance_is_calm() -> None:
    pace = settled(well)
    pace.outlook = Outlook.AWAY
    for at in range(4):  # each node once
        take(pace, BEGIN + at / 50, lambda *_: PAGE)
    slots = taken(pace, 4.0, lambda *_: PAGE)
    assert gaps(slots, Route.HTTP) == {10}
    assert gaps(slots, Route.SSH) == {50}


@pytest.mark.parametrize(("answer", "spacing"), [(PAGE, 1), (REFUSED, 50)])
def test_whoever_is_shown_the_maintenance_page_hurries_ssh(answer: Answer, spacing: int) -> None:
    def answers(_node: str, route: Route) -> Answer:
        return answer if route is Route.HTTP else SERVED

    assert gaps(taken(settled(answers), 4.0, answers), Route.SSH) == {spacing}


def test_what_is_away_without_a_word_is_tried_until_it_comes_back() -> None:
    def answers(node: str, _route: Route) -> Answer:
        return REFUSED if node == "core2" else SERVED

    slots = taken(settled(answers), 4.0, answers)
    assert max(gaps(slots, Route.HTTP, "core2")) <= 2
    assert min(gaps(slots, Route.HTTP, "core1")) >= 30  # it shares a turn in ten with two others


def test_once_a_route_is_away_through_one_node_the_others_need_not_hurry() -> None:
    def answers(node: str, route: Route) -> Answer:
        return PAGE if (node, route) == ("core2", Route.HTTP) else SERVED

    pace = settled(answers)
    pace.outlook = Outlook.AWAY
    slots = taken(pace, 4.0, answers)
    of_core1 = [slot.after for slot in slots if slot.way == ("core1", Route.HTTP)]
    # Now and then the turn is for another.
    assert 4.0 * 50 / len(NODES) * 0.9 <= len(of_core1) <= 4.0 * 50 / len(NODES)


def test_a_late_answer_has_its_way_tried_until_a_later_one_has_come() -> None:
    pace = settled(well, [("core1", Route.HTTP)])
    held = pace.slot((BEGIN, Route.HTTP))
    assert held is not None
    later = [pace.slot((BEGIN + at / 5, Route.HTTP)) for at in range(1, 6)]
    assert pace.next_due(BEGIN + 1.0) == pytest.approx(BEGIN + 1.2)
    assert pace.next_due(BEGIN + 1.02) == pytest.approx(BEGIN + 1.04)
    assert later[-1] is not None
    pace.ended(later[-1], SERVED)
    assert pace.next_due(BEGIN + 1.02) == pytest.approx(BEGIN + 1.2)
    pace.ended(held, REFUSED)  # what it says is older than what is known
    assert pace.all_served()


def test_a_way_that_holds_a_connection_is_not_given_one_at_each_turn() -> None:
    def answers(_node: str, _route: Route) -> Answer:
        return REFUSED

    pace = settled(answers, [("core1", Route.SSH)])
    held = pace.slot((BEGIN, Route.SSH))
    assert held is not None
    tried = [at for at in range(1, 40) if pace.slot((BEGIN + at / 50, Route.SSH))]
    assert tried == [1, 2, 3, 4, 5, 13, 21, 29, 37]
    pace.ended(held, REFUSED)  # the others are still held
    assert [at for at in range(40, 60) if pace.slot((BEGIN + at / 50, Route.SSH))] == [45, 53]


def test_what_one_way_holds_slows_no_other() -> None:
    pace = settled(lambda *_: REFUSED, [("core1", Route.SSH), ("core2", Route.SSH)])
    held = pace.slot((BEGIN, Route.SSH))
    assert held is not None
    # Nothing is answered from here on: one way has waited for long, and the other just begins.
    later = [pace.slot((BEGIN + after, Route.SSH)) for after in (0.2, 0.22, 0.24, 0.26)]
    other = {"core1": "core2", "core2": "core1"}[held.node]
    assert [slot and slot.node for slot in later] == [other, held.node, other, other]


def test_at_the_end_a_way_that_was_never_tried_is_tried_at_once() -> None:
    pace = Pace(WAYS, 50.0)
    pace.ending = True
    slots = [slot for at in range(4) for slot in take(pace, at / 50, well)]
    assert {slot.way for slot in slots} == set(WAYS)
    assert pace.all_served()


def test_nothing_was_served_before_it_was_tried() -> None:
    assert not Pace(WAYS, 50.0).all_served()


def test_the_next_turn_is_due_unless_all_is_calm() -> None:
    pace = settled(well)
    assert take(pace, BEGIN, well)
    assert pace.next_due(BEGIN) == pytest.approx(BEGIN + 0.2)
    assert pace.next_due(BEGIN + 0.18) == pytest.approx(BEGIN + 0.2)
    pace.outlook = Outlook.LEAVING
    assert pace.next_due(BEGIN) == pytest.approx(BEGIN + 0.02)


@pytest.mark.parametrize("rate", [0.0, -1.0])
def test_nothing_cannot_be_planned(rate: float) -> None:
    with pytest.raises(ValueError, match="nothing is planned"):
        Pace(WAYS, rate)
