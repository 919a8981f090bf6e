"""What was measured: samples by measure and side, and the goals they are held against."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from statistics import median
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

OURS = "ours"
OPENSSH = "ssh -L"
SAME_CIPHER = "ssh GCM"
SSHTUNNEL = "sshtunnel"
DIRECT = "direct"
SIDES = (OURS, OPENSSH, SAME_CIPHER, SSHTUNNEL, DIRECT)

MANY = (4, 16, 64)
"""Hosts that are opened at once, one measure after the other."""


@dataclass(frozen=True)
class Measure:
    """One thing that is measured; ``scale`` brings samples (seconds, bytes, …) to the unit."""

    key: str
    told: str
    unit: str
    scale: float = 1.0
    digits: int = 0


MEASURES = (
    Measure("ping", "ping", "µs", 1e6),
    Measure("connect", "connect and ping", "µs", 1e6),
    Measure("ping_tcp", "ping by TCP", "µs", 1e6),
    Measure("connect_tcp", "connect, ping by TCP", "µs", 1e6),
    Measure("down", "down", "MB/s", 1e-6),
    Measure("up", "up", "MB/s", 1e-6),
    *(Measure(f"open_{count}", f"open {count} hosts", "s", digits=2) for count in MANY),
    Measure("rss_64", "memory, 64 hosts", "MB"),
    Measure("threads_64", "threads, 64 hosts", ""),
)


@dataclass(frozen=True)
class Goal:
    """What a figure should be: ``at_most``, or else at least, the ``limit``."""

    key: str
    measure: str
    limit: float
    at_most: bool = True

    def is_met_by(self, figure: float) -> bool:
        """Hold a figure against it."""
        return figure <= self.limit if self.at_most else figure >= self.limit

    def __str__(self) -> str:
        """Print as ``≤ 1.1``."""
        return f"{'≤' if self.at_most else '≥'} {self.limit:g}"


GOALS = (
    Goal("ping_ratio", "ping", 1.1),
    Goal("connect_ratio", "connect", 1.5),
    Goal("down_ratio", "down", 0.9, at_most=False),
    Goal("up_ratio", "up", 0.9, at_most=False),
    Goal("open_64_s", "open_64", 3.0),
    Goal("rss_64_mb", "rss_64", 150.0),
)


@dataclass
class Samples:
    """All samples of a run, and what stood at the far end."""

    far_end: str
    found: dict[str, dict[str, list[float]]] = field(
        default_factory=lambda: defaultdict(lambda: defaultdict(list))
    )

    def add(self, measure: str, side: str, samples: Iterable[float]) -> None:
        """Take samples, in seconds, bytes per second, MB or as a number."""
        self.found[measure][side].extend(samples)

    def median(self, measure: str, side: str) -> float | None:
        """Give the middle of all samples; None for a side that does not do that."""
        samples = self.found.get(measure, {}).get(side)
        return median(samples) if samples else None

    def ratio(self, measure: str, *, to: str = OPENSSH) -> float | None:
        """Give our median over another side's."""
        ours, theirs = self.median(measure, OURS), self.median(measure, to)
        return ours / theirs if ours is not None and theirs else None

    def figure(self, goal: Goal) -> float | None:
        """Give what a goal is about."""
        if goal.key.endswith("_ratio"):
            return self.ratio(goal.measure)
        return self.median(goal.measure, OURS)

    def as_json(self) -> dict[str, object]:
        """Give the figures, and the medians they were made of, in the units of MEASURES."""
        figures: dict[str, object] = {goal.key: _short(self.figure(goal)) for goal in GOALS}
        for count in MANY:
            figures[f"open_{count}_s"] = _short(self.median(f"open_{count}", OURS))
        figures["threads_64"] = _short(self.median("threads_64", OURS))
        figures["far_end"] = self.far_end
        figures["medians"] = {
            measure.key: {
                "unit": measure.unit,
                **{
                    side: _short(value * measure.scale)
                    for side in SIDES
                    if (value := self.median(measure.key, side)) is not None
                },
            }
            for measure in MEASURES
        }
        return figures


def _short(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.4g}")
