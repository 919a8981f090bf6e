"""How long an application was away, by route, from attempts. Pure arithmetic.

A node's front is away from the moment at which the first attempt through it that was not served
was planned, until the moment at which the next one that was served was planned. A route is away
while any node's front is. Both ends can be late by the time since the attempt before, over the same
route: the longest of these times is told as ``resolution``.

An attempt under which the harness's own way broke says nothing, unless it was served, and is left
out: that is time in which nobody looked. What was away before it counts as away until it is seen to
be served, so that the harness's faults can hide no budget that was exceeded.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import TYPE_CHECKING

from cluster_tests.witness.attempts import Route

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from cluster_tests.witness.attempts import Attempt

# Seconds from its planned time after which an answer comes too late: whoever waits for it has
# gone. It is an interruption like any other then.
PATIENCE = 2.0


@dataclass(frozen=True, order=True)
class Outage:
    """From ``begin`` to ``end``, in seconds since 1970; what was said when it began."""

    begin: float
    end: float
    reason: str = field(default="", compare=False)

    @property
    def seconds(self) -> float:
        """How long it was."""
        return self.end - self.begin


@dataclass(frozen=True)
class Downtime:
    """One route's: all in seconds.

    ``seconds`` is how long any node's front was away, ``maintenance_seconds`` the part of it in
    which the last attempt of all was shown the maintenance page; ``own`` are each node's outages.
    ``resolution`` is the longest time from one attempt to the next that shows an end of an outage;
    where there is no outage, from any to the next: a shorter one may not have been seen. ``over``
    is False where some node had not come back at the end; then it was longer than is told.
    ``unheard`` are the nodes through which nothing was ever served.
    """

    seconds: float
    maintenance_seconds: float
    resolution: float
    own: Mapping[str, tuple[Outage, ...]]
    outages: tuple[Outage, ...] = ()
    over: bool = True
    unheard: tuple[str, ...] = field(default=())

    @property
    def nodes(self) -> Mapping[str, float]:
        """How long each node's front was away."""
        return {node: sum(each.seconds for each in found) for node, found in self.own.items()}

    @property
    def worst_node(self) -> str | None:
        """The node whose front was away longest; None where none was."""
        worst = max(self.nodes, key=lambda node: self.nodes[node], default=None)
        return worst if worst is not None and self.nodes[worst] > 0 else None

    def exceeds(self, budget: float) -> bool:
        """Tell whether it was longer than ``budget`` seconds, or how long it was is not known."""
        return self.seconds > budget or not self.over or bool(self.unheard)

    def __str__(self) -> str:
        """Print on one line."""
        text = (
            f"{self.seconds:.2f} s ({self.maintenance_seconds:.2f} s of it the maintenance page;"
            f" {self.resolution * 1000:.0f} ms between attempts)"
        )
        text += "" if self.over else ", and not back at the end"
        unheard = ", ".join(self.unheard)
        return f"{text}; never served through {unheard}" if unheard else text


def downtimes(attempts: Iterable[Attempt], *, patience: float = PATIENCE) -> dict[Route, Downtime]:
    """Measure each route that was tried."""
    in_order = sorted(attempts, key=lambda each: each.planned)
    by_route = {route: [each for each in in_order if each.route is route] for route in Route}
    return {route: _downtime(tried, patience) for route, tried in by_route.items() if tried}


def _downtime(attempts: Sequence[Attempt], patience: float) -> Downtime:
    by_node: dict[str, list[Attempt]] = {attempt.node: [] for attempt in attempts}
    telling = [attempt for attempt in attempts if attempt.tells(patience)]
    for attempt in telling:
        by_node[attempt.node].append(attempt)
    own = {node: outages_of(tried, patience) for node, tried in by_node.items()}
    outages = union(outage for found in own.values() for outage in found)
    return Downtime(
        seconds=sum(outage.seconds for outage in outages),
        maintenance_seconds=_maintained(telling, outages),
        resolution=_resolution(telling, outages),
        own=own,
        outages=outages,
        over=all(tried[-1].served(patience) for tried in by_node.values() if tried),
        unheard=tuple(
            node
            for node, tried in by_node.items()
            if not any(each.served(patience) for each in tried)
        ),
    )


def _resolution(attempts: Sequence[Attempt], outages: Iterable[Outage]) -> float:
    ends = {end for outage in outages for end in (outage.begin, outage.end)}
    gaps = {later.planned: later.planned - sooner.planned for sooner, later in pairwise(attempts)}
    # None is at the first attempt, nor where the last one that failed was answered.
    seen = ends & gaps.keys()
    return max((gaps[end] for end in seen or gaps), default=0.0)


def outages_of(attempts: Sequence[Attempt], patience: float) -> tuple[Outage, ...]:
    """List one node's outages, from its attempts in the order they were planned in."""
    found: list[Outage] = []
    first: Attempt | None = None
    for attempt in attempts:
        served = attempt.served(patience)
        if served and first is not None:
            found.append(_outage(first, attempt.planned))
            first = None
        elif not served and first is None:
            first = attempt
    if first is not None:
        found.append(_outage(first, attempts[-1].ended))
    return tuple(found)


def _outage(first: Attempt, end: float) -> Outage:
    return Outage(first.planned, end, first.answer.reason or f"answered in {first.seconds:.1f} s")


def union(outages: Iterable[Outage]) -> tuple[Outage, ...]:
    """Join those that overlap or touch."""
    joined: list[Outage] = []
    for outage in sorted(outages):
        if joined and outage.begin <= joined[-1].end:
            joined[-1] = replace(joined[-1], end=max(joined[-1].end, outage.end))
        else:
            joined.append(outage)
    return tuple(joined)


def _maintained(attempts: Sequence[Attempt], outages: Sequence[Outage]) -> float:
    """Add up, within ``outages``, the times from each maintenance page to the next attempt."""
    ends = [attempt.planned for attempt in attempts[1:]] + [each.ended for each in attempts[-1:]]
    return sum(
        max(0.0, min(end, outage.end) - max(attempt.planned, outage.begin))
        for attempt, end in zip(attempts, ends, strict=True)
        if attempt.answer.maintenance
        for outage in outages
    )
