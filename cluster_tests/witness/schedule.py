"""When what may be tried: an open loop, which no slow answer can slow down."""

from __future__ import annotations

from collections import Counter
from itertools import count
from typing import TYPE_CHECKING

from cluster_tests.witness.attempts import Route, Slot, What

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from cluster_tests.witness.attempts import Turn

# Of five attempts over HTTP three write: few are made while all is well, and they find the losses.
_OVER_HTTP = (What.WRITE, What.READ, What.WRITE, What.READ, What.WRITE)


def turns(rate: float, *, ssh: bool = True) -> Iterator[Turn]:
    """Plan ``rate`` turns a second, for ever: HTTP and SSH after each other.

    A turn is the seconds since the beginning, and the route. Without ``ssh`` all are HTTP's.
    """
    if rate <= 0:
        raise ValueError(f"nothing is planned at {rate:g} a second")
    routes = (Route.HTTP, Route.SSH) if ssh else (Route.HTTP,)
    for number in count():
        yield number / rate, routes[number % len(routes)]


class Rota:
    """Deals out the turns that are taken: to the nodes in turn, and each node tries all in turn."""

    def __init__(self, nodes: Sequence[str]) -> None:
        """Deal to ``nodes``; none has had a turn."""
        if not nodes:
            raise ValueError("there is no node to try anything through")
        self._nodes = nodes
        self._dealt: Counter[Route] = Counter()

    def slot(self, turn: Turn) -> Slot:
        """Tell what is tried at a turn, and through which node."""
        after, route = turn
        rounds, place = divmod(self._dealt[route], len(self._nodes))
        self._dealt[route] += 1
        # The first node's round begins with the first sort, the second's with the second ...
        over_http = _OVER_HTTP[(rounds + place) % len(_OVER_HTTP)]
        what = What.GREETING if route is Route.SSH else over_http
        return Slot(after, self._nodes[place], what)
