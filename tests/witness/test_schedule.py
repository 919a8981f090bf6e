"""When which attempt is due."""

from __future__ import annotations

from collections import Counter
from itertools import islice, pairwise

import pytest

from cluster_tests.witness.attempts import Route, What
from cluster_tests.witness.schedule import slots

NODES = ("core1", "core2", "core3", "core4")


def test_attempts_are_due_at_even_times_whatever_they_take() -> None:
    due = [slot.after for slot in islice(slots(NODES, 50.0), 101)]
    assert due[0] == 0
    assert due[-1] == pytest.approx(2.0)
    assert all(later - sooner == pytest.approx(0.02) for sooner, later in pairwise(due))


def test_both_routes_are_tried_in_turn_and_each_through_every_node_as_often() -> None:
    tried = Counter((slot.route, slot.node) for slot in islice(slots(NODES, 50.0), 400))
    assert tried == {(route, node): 50 for route in Route for node in NODES}


def test_writes_go_through_every_node_as_often() -> None:
    plan = list(islice(slots(NODES, 50.0), 400))
    writes = Counter(slot.node for slot in plan if slot.what is What.WRITE)
    assert writes == dict.fromkeys(NODES, 30)
    assert sum(slot.what is What.READ for slot in plan) == 80


def test_without_ssh_everything_goes_over_http() -> None:
    assert {slot.route for slot in islice(slots(NODES, 10.0, ssh=False), 50)} == {Route.HTTP}


@pytest.mark.parametrize(("nodes", "rate"), [((), 50.0), (NODES, 0.0), (NODES, -1.0)])
def test_nothing_cannot_be_planned(nodes: tuple[str, ...], rate: float) -> None:
    with pytest.raises(ValueError, match="nothing is planned"):
        next(slots(nodes, rate))
