"""Who tries what next: turns are dealt to nodes, and a node's to what it has not tried longest."""

from __future__ import annotations

from collections import Counter, deque
from typing import TYPE_CHECKING

from cluster_tests.witness.attempts import Route, Slot, What

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from cluster_tests.witness.attempts import Turn

# A write costs the nodes twice what a read does, and tells no more of who is served; but it is the
# writes that find what is lost.
_OVER_HTTP = (What.WRITE, What.READ)

HAIR = 1e-6
"""Seconds, or turns, that a time may lack of a whole turn by rounding."""


class Rota:
    """Deals out the turns: to the nodes that are due in turn, and each node tries all in turn."""

    def __init__(self, nodes: Sequence[str]) -> None:
        """Deal to ``nodes``; none has had a turn."""
        if not nodes:
            raise ValueError("there is no node to try anything through")
        self._places = {node: place for place, node in enumerate(nodes)}
        self._waiting: dict[Route, deque[str]] = {route: deque(nodes) for route in Route}
        self._dealt: Counter[tuple[Route, str]] = Counter()

    def slot(self, turn: Turn, is_due: Callable[[str], bool]) -> Slot | None:
        """Tell what is tried at a turn; None where no node ``is_due``.

        It is tried through the one of those nodes that has not been tried for longest.
        """
        after, route = turn
        waiting = self._waiting[route]
        node = next(filter(is_due, waiting), None)
        if node is None:
            return None
        waiting.remove(node)
        waiting.append(node)
        return Slot(after, node, self._next(route, node))

    def _next(self, route: Route, node: str) -> What:
        dealt = self._dealt[route, node]
        self._dealt[route, node] += 1
        # The first node begins with the first sort, the second one with the second ...
        over_http = _OVER_HTTP[(dealt + self._places[node]) % len(_OVER_HTTP)]
        return What.GREETING if route is Route.SSH else over_http
