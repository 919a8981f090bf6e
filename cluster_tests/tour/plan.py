"""Which switches a tour makes, in which order. Pure: the same seed gives the same plan.

Placements are the vertices of a graph, switches its edges. Every placement has as many switches
away from it as to it, so that there is an Eulerian circuit, which makes each switch exactly once
(Hierholzer's algorithm). The same holds for the 19 kinds as edges between nowhere, alone and pair.
"""

from __future__ import annotations

import itertools
import random
from collections import defaultdict
from typing import TYPE_CHECKING, TypeVar

from cluster_tests.errors import UsageError
from cluster_tests.model import NOWHERE, Kind, Placement, Switch, placements, switches

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Sequence

_FEWEST_NODES = 2
_SHORTEST_WALK = 2
V = TypeVar("V", bound="Hashable")
E = TypeVar("E")


def full_circuit(nodes: Sequence[str], seed: int) -> list[Switch]:
    """Make every switch on ``nodes`` exactly once, from nowhere to nowhere: 288 on four nodes.

    With n nodes there are n² + 1 placements, so the number grows with the fourth power of n.
    """
    _require_nodes(nodes)
    edges = [(switch.before, switch.after, switch) for switch in switches(nodes)]
    return _circuit(edges, NOWHERE, random.Random(seed))  # noqa: S311 - no secret


def kinds_circuit(nodes: Sequence[str], seed: int) -> list[Switch]:
    """Make a switch of every kind exactly once: all 19 on four nodes, on fewer what is possible."""
    _require_nodes(nodes)
    chance = random.Random(seed)  # noqa: S311 - no secret
    possible = list(switches(nodes))
    edges = {
        (_shape(switch.before), _shape(switch.after), switch.kind.value) for switch in possible
    }
    here, steps = NOWHERE, []
    for kind in _circuit(sorted(edges), _shape(NOWHERE), chance):
        ways = [each for each in possible if each.before == here and each.kind == Kind(kind)]
        steps.append(chance.choice(ways))
        here = steps[-1].after
    return steps


def random_walk(nodes: Sequence[str], count: int, seed: int) -> list[Switch]:
    """Make ``count`` switches, each by chance, from nowhere to nowhere."""
    _require_nodes(nodes)
    if count < _SHORTEST_WALK:
        raise UsageError(
            f"{count} switches lead not from nowhere to nowhere",
            remedy=f"ask for {_SHORTEST_WALK} at least",
        )
    chance = random.Random(seed)  # noqa: S311 - no secret
    everywhere = placements(nodes)
    running = everywhere[1:]
    here, steps = NOWHERE, []
    for left in reversed(range(count)):
        if left == 0:
            there = NOWHERE
        else:  # never nowhere twice, nor before the last step, which leads there
            there = chance.choice(running if here == NOWHERE or left == 1 else everywhere)
        steps.append(Switch(here, there))
        here = there
    return steps


def chained(steps: Sequence[Switch]) -> bool:
    """Tell whether every step begins where the one before it ended."""
    return all(one.after == other.before for one, other in itertools.pairwise(steps))


def _circuit(edges: Iterable[tuple[V, V, E]], start: V, chance: random.Random) -> list[E]:
    """Find an Eulerian circuit from ``start``: the edges' values in order, each exactly once.

    Hierholzer: walk until stuck, which can only be where the walk began; then go back to the last
    vertex with an edge left, and put in the walk from there. The graph must be connected, and
    each vertex have as many edges in as out.
    """
    ways: dict[V, list[tuple[V, E]]] = defaultdict(list)
    for source, target, value in edges:
        ways[source].append((target, value))
    for out in ways.values():
        chance.shuffle(out)
    walk: list[tuple[V, E | None]] = [(start, None)]
    circuit: list[E] = []
    while walk:
        vertex, arrived_by = walk[-1]
        if ways[vertex]:
            walk.append(ways[vertex].pop())
        else:
            walk.pop()
            if arrived_by is not None:
                circuit.append(arrived_by)
    return circuit[::-1]


def _shape(placement: Placement) -> int:
    """Tell how many nodes have a role: what is left of a placement when names do not matter."""
    return sum(node is not None for node in (placement.master, placement.slave))


def _require_nodes(nodes: Sequence[str]) -> None:
    if len(nodes) < _FEWEST_NODES:
        raise UsageError(
            f"a tour needs {_FEWEST_NODES} nodes at least; there is {', '.join(nodes) or 'none'}",
            remedy="name an inventory with more nodes",
        )
