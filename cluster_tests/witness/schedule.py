"""When what may be tried: an open loop, which no slow answer can slow down."""

from __future__ import annotations

import math
from collections import Counter, deque
from itertools import count
from typing import TYPE_CHECKING

from cluster_tests.witness.attempts import Route, Slot, What

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from cluster_tests.witness.attempts import Turn

# Of five attempts over HTTP three write: few are made while all is well, and they find the losses.
_OVER_HTTP = (What.WRITE, What.READ, What.WRITE, What.READ, What.WRITE)


def turns(rate: float, *, ssh: bool = True) -> Iterator[Turn]:
    """Plan ``rate`` turns a second over HTTP, for ever, and half as many over SSH between them.

    A turn is the seconds since the beginning, and the route. Without ``ssh`` all are HTTP's. A node
    takes a new process for whoever comes by SSH: they cost it several times what a request does.
    """
    if rate <= 0:
        raise ValueError(f"nothing is planned at {rate:g} a second")
    for number in count():
        yield number / rate, Route.HTTP
        if ssh and number % 2 == 0:
            yield (number + 0.5) / rate, Route.SSH


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

    def beat(self, node: str, after: float, spacing: float) -> int:
        """Count a node's own times until ``after``: -1 before its first.

        Every ``spacing`` seconds it is a node's time, in turn.
        """
        return math.floor((after / spacing - self._places[node]) / len(self._places))

    def _next(self, route: Route, node: str) -> What:
        dealt = self._dealt[route, node]
        self._dealt[route, node] += 1
        # The first node begins with the first sort, the second one with the second ...
        over_http = _OVER_HTTP[(dealt + self._places[node]) % len(_OVER_HTTP)]
        return What.GREETING if route is Route.SSH else over_http
