"""When what is tried."""

from __future__ import annotations

from collections import Counter
from itertools import islice, pairwise

import pytest

from cluster_tests.witness.attempts import Route, Slot, What
from cluster_tests.witness.schedule import Rota, turns

NODES = ("core1", "core2", "core3", "core4")


def dealt(route: Route, nodes: tuple[str, ...] = NODES, number: int = 400) -> list[Slot]:
    rota = Rota(nodes)
    slots = (rota.slot((float(at), route), lambda _: True) for at in range(number))
    return [slot for slot in slots if slot is not None]


def test_turns_come_at_even_times_whatever_the_attempts_take() -> None:
    due = [after for after, _ in islice(turns(50.0, ssh=False), 101)]
    assert due[0] == 0
    assert due[-1] == pytest.approx(2.0)
    assert all(later - sooner == pytest.approx(0.02) for sooner, later in pairwise(due))


def test_between_two_turns_over_http_there_is_one_over_ssh_and_then_none() -> None:
    found = list(islice(turns(50.0), 7))
    assert [round(1000 * after) for after, _ in found] == [0, 10, 20, 40, 50, 60, 80]
    assert [route for _, route in found[:6]] == [Route.HTTP, Route.SSH, Route.HTTP] * 2


def test_without_ssh_everything_goes_over_http() -> None:
    assert {route for _, route in islice(turns(10.0, ssh=False), 50)} == {Route.HTTP}


@pytest.mark.parametrize("route", Route)
def test_each_route_is_tried_through_every_node_in_turn(route: Route) -> None:
    slots = dealt(route)
    assert [slot.node for slot in slots] == list(NODES) * 100
    assert {slot.route for slot in slots} == {route}
    assert [slot.after for slot in slots] == list(range(400))


def test_the_routes_turns_are_dealt_apart() -> None:
    rota = Rota(NODES)
    routes = [Route.HTTP, Route.HTTP, Route.SSH, Route.HTTP]
    slots = [rota.slot((0.0, route), lambda _: True) for route in routes]
    assert [slot and slot.node for slot in slots] == ["core1", "core2", "core1", "core3"]


def test_the_turn_is_for_the_node_that_is_due_and_has_waited_longest() -> None:
    rota = Rota(NODES)
    due: list[tuple[str, ...]] = [NODES, (), ("core1", "core4"), ("core1", "core4"), NODES, NODES]
    slots = [rota.slot((0.0, Route.HTTP), nodes.__contains__) for nodes in due]
    found = [slot and slot.node for slot in slots]
    assert found == ["core1", None, "core4", "core1", "core2", "core3"]


# Five and ten nodes would meet the same sort each time, were they dealt to by one count alone.
@pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 6, 10])
def test_through_every_node_three_of_five_attempts_write(size: int) -> None:
    nodes = tuple(f"core{number}" for number in range(size))
    tried = Counter((slot.node, slot.what) for slot in dealt(Route.HTTP, nodes, 5 * size))
    assert tried == {
        (node, what): times for node in nodes for what, times in ((What.WRITE, 3), (What.READ, 2))
    }


@pytest.mark.parametrize("size", [1, 3, 4])
def test_calm_nodes_have_their_times_one_after_the_other(size: int) -> None:
    nodes = tuple(f"core{number}" for number in range(size))
    rota = Rota(nodes)
    known = dict.fromkeys(nodes, -1)
    tried: list[tuple[int, str]] = []
    for eighth in range(30 * size):
        beats = {node: rota.beat(node, eighth / 8, 0.5) for node in nodes}
        tried += [(eighth, node) for node in nodes if beats[node] > known[node]]
        known = beats
    assert [node for _, node in tried] == [nodes[turn % size] for turn in range(len(tried))]
    assert [eighth for eighth, _ in tried] == list(range(0, 30 * size, 4))


@pytest.mark.parametrize("rate", [0.0, -1.0])
def test_nothing_cannot_be_planned(rate: float) -> None:
    with pytest.raises(ValueError, match="nothing is planned"):
        next(turns(rate))


def test_somebody_must_be_dealt_to() -> None:
    with pytest.raises(ValueError, match="no node"):
        Rota(())
