"""When which way to an application is tried; pure.

What the witness asks costs the nodes time that the switch would have. So it looks seldom where
nothing is about to change: through a node that serves, and through one that does not while the
cluster says that it is in maintenance. All turns are for the others: from the moment on at which it
says so, or hints at it (the proxies follow the flag as fast as we hear of it), or an attempt fails
or is slow, until nothing is served any more, and from the end of the maintenance until all is. So
both ends of an outage are seen at the full rate, and so is what is written just before it, which is
what may be lost.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cluster_tests.witness.attempts import Outcome, Route
from cluster_tests.witness.outlook import Outlook
from cluster_tests.witness.schedule import HAIR, Rota

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cluster_tests.witness.attempts import Answer, Slot, Turn, Way

# Seconds from one attempt over a route to the next while nothing is about to change there, through
# whichever node.
_CALM = {Route.HTTP: 0.2, Route.SSH: 1.0}
# Seconds after which a proxy holds an attempt, and turns from one to the next through it then.
_HELD, _SHARE_OF_HELD = 0.1, 8
# Seconds within which an answer is due where all is calm.
_PROMPT = 1.0


class Pace:
    """Deals out turns, and hears what came of them. Times are seconds since the witness began.

    ``outlook`` and ``ending`` are the witness's to set: what the cluster says, and whether all ways
    are wanted once more, to see that they are served.
    """

    def __init__(self, ways: Iterable[Way], rate: float) -> None:
        """Deal ``rate`` turns a second to ``ways``; raise ``ValueError`` where there are none."""
        if rate <= 0:
            raise ValueError(f"nothing is planned at {rate:g} a second")
        self._ways = tuple(ways)
        self._rate = rate
        self._nodes = tuple(dict.fromkeys(node for node, _ in self._ways))
        self._rota = Rota(self._nodes)
        self._tried: dict[Way, float] = {}  # when last
        self._calm: dict[Route, float] = {}  # when a calm way was tried last
        self._under_way: set[Slot] = set()
        self._last: dict[Way, tuple[Slot, Answer]] = {}
        self.routes = tuple(dict.fromkeys(route for _, route in self._ways))
        self.outlook = Outlook.STEADY
        self.ending = False

    def slot(self, turn: Turn) -> Slot | None:
        """Tell what is tried at a turn; None where nothing is due. It counts as under way then."""
        after, route = turn
        slot = self._rota.slot(turn, lambda node: self._is_due((node, route), after))
        if slot is not None:
            if self._is_calm(slot.way, after):
                self._calm[route] = after
            self._tried[slot.way] = after
            self._under_way.add(slot)
        return slot

    def ended(self, slot: Slot, answer: Answer) -> None:
        """Hear what came of an attempt."""
        self._under_way.remove(slot)
        last = self._last.get(slot.way)
        if last is None or last[0].after < slot.after:
            self._last[slot.way] = slot, answer

    def all_served(self) -> bool:
        """Tell whether every way was served when it was tried last."""
        return all(self._is_served(way) for way in self._ways)

    def next_due(self, after: float) -> float:
        """Tell when something may be due next, if nothing is heard until then."""
        turn = after + 1 / self._rate
        if not all(self._is_calm(way, after) for way in self._ways):
            return turn
        return max(turn, min(self._calm_due(route) for route in self.routes))

    def _calm_due(self, route: Route) -> float:
        """Tell when a route's calm ways are due, of which one is tried."""
        return self._calm.get(route, -_CALM[route]) + _CALM[route]

    def _is_due(self, way: Way, after: float) -> bool:
        if self._is_calm(way, after):
            return after + HAIR >= self._calm_due(way[1])
        pause = self._turns_between(way, after) / self._rate
        return after + HAIR >= self._tried.get(way, -pause) + pause

    def _turns_between(self, way: Way, after: float) -> int:
        """Tell the turns from one attempt to the next of a way that is not calm; 0 for each."""
        if not self._is_served(way):
            # Until the server is back, maybe: all that are held would be served at once.
            return _SHARE_OF_HELD if self._waits(way, after) > _HELD else 0
        # Once the route is away through some node, the others have their share of the turns alone.
        return len(self._nodes)

    def _is_calm(self, way: Way, after: float) -> bool:
        """Tell whether the way is neither about to go away nor about to come back."""
        if way not in self._last:  # nothing is known, and nothing has begun
            return not (self.ending or self._may_leave())
        if not self._is_served(way):
            return self.outlook is Outlook.AWAY
        return not (self._waits(way, after) > _PROMPT or self._may_leave())

    def _may_leave(self) -> bool:
        """Tell whether what is served may be away in a moment."""
        # A proxy can hear of the maintenance before we do.
        shown = any(answer.maintenance for _, answer in self._last.values())
        return shown or self.outlook is not Outlook.STEADY

    def _waits(self, way: Way, after: float) -> float:
        """Tell for how long an answer has been waited for that will be news."""
        known = self._last[way][0].after if way in self._last else -1.0
        waiting = (s.after for s in self._under_way if s.way == way and s.after > known)
        return after - min(waiting, default=after)

    def _is_served(self, way: Way) -> bool:
        return way in self._last and self._last[way][1].outcome is Outcome.ACKNOWLEDGED
