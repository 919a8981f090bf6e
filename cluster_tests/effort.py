"""Where a run's time went: what the cluster took, and what the harness took on top of it.

Time is noted in spans, each with who had it and what for. Several may run at once: what counts is
the wall time that at least one of them covers. While the cluster works, nothing is the harness's.
"""

from __future__ import annotations

import time
from collections import defaultdict
from contextlib import contextmanager
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

GOAL_SHARE = 0.10
GOAL_NOTICED = 0.100  # seconds
# What nobody noted: planning, sentences, the runner itself.
REST = "the rest"
_LARGEST = 3  # parts of the harness's own that are told

Span = tuple[float, float]


@dataclass(frozen=True)
class Figures:
    """What came of a run so far, in seconds: ``wall`` is ``cluster`` and ``own`` together.

    The parts of the cluster's time may overlap each other, and so may those of the harness's own.
    """

    wall: float
    cluster: float
    parts_of_cluster: Mapping[str, float]
    parts_of_own: Mapping[str, float]
    switches: tuple[float, ...]
    noticed: tuple[float, ...]

    @property
    def own(self) -> float:
        """The harness's own time."""
        return self.wall - self.cluster

    @property
    def own_share(self) -> float:
        """The harness's part of the wall time, from 0 to 1."""
        return self.own / self.wall if self.wall else 0.0

    def lines(self) -> Iterator[str]:
        """Write it down for people; nothing where nothing was switched."""
        if not self.switches:
            return
        yield f"time: {self.wall:.1f} s, {self.cluster:.1f} s of it the cluster's: " + _listed(
            self.parts_of_cluster
        )
        largest = dict(list(self.parts_of_own.items())[:_LARGEST])
        yield (
            f"the harness's own share: {self.own_share:.1%} (goal: under {GOAL_SHARE:.0%}),"
            f" above all {_listed(largest)}"
        )
        yield (
            f"switches: {len(self.switches)}, median {median(self.switches):.2f} s; noticed"
            f" {_ms(median(self.noticed))} after the last signal (median; at most"
            f" {_ms(max(self.noticed))}; goal: under {_ms(GOAL_NOTICED)})"
        )


class Effort:
    """Notes what a run spends on what; wall time counts from its making. Safe to use in threads."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Begin to count; ``clock`` gives seconds."""
        self._clock = clock
        self._begin = clock()
        self._cluster: dict[str, list[Span]] = defaultdict(list)
        self._own: dict[str, list[Span]] = defaultdict(list)
        self._switches: list[tuple[float, float]] = []

    @contextmanager
    def cluster(self, doing: str) -> Iterator[None]:
        """Count what happens inside as the cluster's time: nothing but its answer is waited for."""
        with self._noted(self._cluster[doing]):
            yield

    @contextmanager
    def own(self, doing: str) -> Iterator[None]:
        """Count what happens inside as the harness's, as far as the cluster does not work then."""
        with self._noted(self._own[doing]):
            yield

    def waited(self, doing: str, seconds: float, noticed: float) -> None:
        """Note a wait that has just ended: all but the noticing of its end is the cluster's."""
        now = self._clock()
        self._cluster[doing].append((now - seconds, now - noticed))
        self._own["noticing"].append((now - noticed, now))

    def switched(self, seconds: float, noticed: float) -> None:
        """Note how long a switch took, and how long after its last signal it was seen to be over.

        ``seconds`` count from asking, and contain ``noticed``.
        """
        self._switches.append((seconds, noticed))

    def figures(self) -> Figures:
        """Add up what there is so far."""
        wall = self._clock() - self._begin
        working = [span for spans in self._cluster.values() for span in spans]
        noted = [span for spans in self._own.values() for span in spans]
        parts = {doing: _beyond(spans, working) for doing, spans in self._own.items()}
        parts[REST] = wall - _length([*working, *noted])
        return Figures(
            wall=wall,
            cluster=_length(working),
            parts_of_cluster=_by_size({key: _length(all_) for key, all_ in self._cluster.items()}),
            parts_of_own=_by_size(parts),
            switches=tuple(seconds for seconds, _ in self._switches),
            noticed=tuple(noticed for _, noticed in self._switches),
        )

    @contextmanager
    def _noted(self, spans: list[Span]) -> Iterator[None]:
        begin = self._clock()
        try:
            yield
        finally:
            spans.append((begin, self._clock()))


def _length(spans: Iterable[Span]) -> float:
    """Tell how much time at least one of ``spans`` covers."""
    covered, until = 0.0, float("-inf")
    for begin, end in sorted(spans):
        covered += max(0.0, end - max(begin, until))
        until = max(until, end)
    return covered


def _beyond(spans: Iterable[Span], others: Iterable[Span]) -> float:
    """Tell how much time ``spans`` cover that ``others`` do not."""
    others = list(others)
    return _length([*spans, *others]) - _length(others)


def _by_size(parts: Mapping[str, float]) -> dict[str, float]:
    return dict(sorted(parts.items(), key=lambda part: -part[1]))


def _listed(parts: Mapping[str, float]) -> str:
    return ", ".join(f"{doing} {seconds:.1f} s" for doing, seconds in parts.items())


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms"
