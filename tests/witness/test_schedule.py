"""When what is tried."""

from __future__ import annotations

from collections import Counter

import pytest

from cluster_tests.witness.attempts import Route, Slot, What
from cluster_tests.witness.schedule import Rota

NODES = ("core1", "core2", "core3", "core4")


def dealt(route: Route, nodes: tuple[str, ...] = NODES, number: int = 400) -> list[Slot]:
    rota = Rota(nodes)
    slots = (rota.slot((float(at), route), lambda _: True) for at in range(number))
    return [slot for slot in slots if slot is not None]


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


# An even number of nodes would meet the same sort each time, were they dealt to by one count alone.
@pytest.mark.parametrize("size", [1, 2, 3, 4, 6])
def test_through_every_node_every_other_attempt_writes(size: int) -> None:
    nodes = tuple(f"core{number}" for number in range(size))
    tried = Counter((slot.node, slot.what) for slot in dealt(Route.HTTP, nodes, 4 * size))
    assert tried == {(node, what): 2 for node in nodes for what in (What.WRITE, What.READ)}


def test_somebody_must_be_dealt_to() -> None:
    with pytest.raises(ValueError, match="no node"):
        Rota(())
