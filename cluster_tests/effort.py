"""Where a run's time went: into the cluster's work, or into ours. All of it is measured.

The cluster works from the moment an event was sent until its handlers have written their last
line of it, and whenever a node answers what we ask of an application. The rest of the wall time
is the harness's own: publishing, observing, comparing, noticing late, and everything between.
"""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from statistics import median
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

GOAL_SHARE = 0.10
GOAL_LATE = 0.100  # seconds


@dataclass(frozen=True)
class Waiting:
    """One switch: from asking to being settled, in seconds since 1970.

    ``ended`` is the time of the handlers' last line; None where no log tells it.
    """

    asked: float
    settled: float
    ended: float | None

    @property
    def seconds(self) -> float:
        """How long the switch took."""
        return self.settled - self.asked

    @property
    def late(self) -> float | None:
        """How long after the handlers' last line the cluster was seen to have settled."""
        return None if self.ended is None else max(0.0, self.settled - self.ended)

    @property
    def working(self) -> float:
        """How long the cluster worked; the whole wait where that is not known."""
        return self.seconds - (self.late or 0.0)


class Effort:
    """Adds up what a run spent on what; wall time counts from its making."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Begin to count; ``clock`` gives seconds."""
        self._clock = clock
        self._begin = clock()
        self._answering = 0.0
        self._waits: list[Waiting] = []

    def switched(self, waiting: Waiting) -> None:
        """Add a switch."""
        self._waits.append(waiting)

    @contextmanager
    def asking(self) -> Iterator[None]:
        """Count what happens inside as the nodes' answering of requests."""
        begin = self._clock()
        try:
            yield
        finally:
            self._answering += self._clock() - begin

    @property
    def own_share(self) -> float:
        """The harness's part of the wall time, from 0 to 1."""
        wall = self._clock() - self._begin
        working = sum(wait.working for wait in self._waits) + self._answering
        return max(0.0, 1 - working / wall) if wall else 0.0

    def lines(self) -> Iterator[str]:
        """Write it down for people; nothing where nothing was switched."""
        if not self._waits:
            return
        wall = self._clock() - self._begin
        switching = sum(wait.working for wait in self._waits)
        yield (
            f"time: {wall:.1f} s; the cluster switched {switching:.1f} s and answered"
            f" {self._answering:.1f} s; the harness's own share: {self.own_share:.0%}"
            f" (goal: under {GOAL_SHARE:.0%})"
        )
        middle = median(wait.seconds for wait in self._waits)
        yield f"switches: {len(self._waits)}, median {middle:.2f} s; {self._noticed()}"

    def _noticed(self) -> str:
        late = [wait.late for wait in self._waits if wait.late is not None]
        if not late:
            return "the handlers' logs tell no time: how late they were noticed is not known"
        return (
            f"seen to have settled {median(late) * 1000:.0f} ms after the handlers' last line"
            f" (median of {len(late)}; at most {max(late) * 1000:.0f} ms; goal: under"
            f" {GOAL_LATE * 1000:.0f} ms)"
        )


def last_word(lines: list[str], event_id: str) -> float | None:
    """Tell when a handler's log last spoke of an event, in seconds since 1970; None if nowhere.

    Lines begin with an ISO 8601 time in UTC and name the event, as the reference cluster's do;
    others are passed over.
    """
    times = [_time_of(line) for line in lines if event_id in line]
    return max((each for each in times if each is not None), default=None)


def _time_of(line: str) -> float | None:
    try:
        return datetime.fromisoformat(line.split(maxsplit=1)[0]).timestamp()
    except ValueError:
        return None
