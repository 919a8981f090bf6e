"""Distributions by kind of switch, and lines over runs: as positions in percent."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

from cluster_tests.reporting.matrix import away, switches_by_kind
from cluster_tests.reporting.words import count, percent, seconds

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from cluster_tests.history.values import PastRun
    from cluster_tests.results.values import Results, SwitchRecord

_TICKS = 5  # at most
_LINE_FROM = 2  # runs; fewer make no line


@dataclass(frozen=True)
class Dot:
    """One switch: where it is drawn (percent of the axis), how it went, what it was."""

    left: float
    tone: str
    title: str


@dataclass(frozen=True)
class Strip:
    """One kind: its switches as dots, its median as a mark, and both in words."""

    kind: str
    dots: tuple[Dot, ...]
    middle: float
    words: str


@dataclass(frozen=True)
class Chart:
    """Strips under each other on one axis; ``ticks`` are places and what is written there."""

    name: str
    strips: tuple[Strip, ...]
    ticks: tuple[tuple[float, str], ...]


@dataclass(frozen=True)
class Line:
    """A measure over runs: ``points`` as SVG takes them in a box of 100 x 100, the last in words.

    ``gaps`` runs in it did not measure it.
    """

    name: str
    points: str
    last: str
    best: str
    worst: str
    gaps: int


def charts(results: Results) -> tuple[Chart, ...]:
    """Draw downtime and time to settle by kind, as far as they were measured."""
    both = (
        _chart("Downtime", results, away),
        _chart("Time to settle", results, lambda switch: switch.seconds),
    )
    return tuple(chart for chart in both if chart is not None)


def _chart(
    name: str, results: Results, value: Callable[[SwitchRecord], float | None]
) -> Chart | None:
    by_kind = list(switches_by_kind(results, value))
    if not by_kind:
        return None
    ticks = _axis(max(worth for _, found in by_kind for worth, _ in found))
    return Chart(
        name=name,
        strips=tuple(_strip(kind, found, ticks[-1]) for kind, found in by_kind),
        ticks=tuple((100 * tick / ticks[-1], f"{tick:g} s") for tick in ticks),
    )


def _strip(kind: str, found: Sequence[tuple[float, SwitchRecord]], end: float) -> Strip:
    values = [worth for worth, _ in found]
    middle, worst = median(values), max(values)
    words = f"median {seconds(middle)}, worst {seconds(worst)}, {len(values)} switches"
    return Strip(
        kind=kind,
        dots=tuple(
            Dot(
                100 * worth / end,
                switch.verdict.value,
                f"{switch.label}: {seconds(worth)}, {switch.verdict}",
            )
            for worth, switch in found
        ),
        middle=100 * middle / end,
        words=words,
    )


def _axis(most: float) -> list[float]:
    """Choose round ticks from 0 to at least ``most``: steps of 1, 2 or 5 times a power of ten."""
    rough = max(most, 0.001) / (_TICKS - 1)
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * each for each in (1, 2, 5, 10) if power * each >= rough)
    return [round(step * number, 6) for number in range(math.ceil(max(most, 0.001) / step) + 1)]


def lines(trend: Sequence[PastRun]) -> tuple[Line, ...]:
    """Draw what changed over the runs, as far as at least two of them measured it."""
    measures: tuple[tuple[str, Callable[[PastRun], float | None], Callable[..., str]], ...] = (
        ("median time to settle", lambda run: run.median_switch, seconds),
        ("worst downtime", lambda run: run.worst_downtime, seconds),
        ("failed scenarios", lambda run: run.failed, count),
        ("the harness's own time", lambda run: run.own_share, percent),
    )
    drawn = (_line(name, list(map(value, trend)), words) for name, value, words in measures)
    return tuple(line for line in drawn if line is not None)


def _line(name: str, values: Iterable[float | None], words: Callable[..., str]) -> Line | None:
    all_ = list(values)
    known = [(place, value) for place, value in enumerate(all_) if value is not None]
    if len(known) < _LINE_FROM:
        return None
    heights = [value for _, value in known]
    top = max(heights) or 1.0
    points = " ".join(
        f"{100 * place / (len(all_) - 1):.2f},{100 - 92 * value / top:.2f}"
        for place, value in known
    )
    return Line(
        name,
        points,
        last=words(heights[-1]),
        best=words(min(heights)),
        worst=words(max(heights)),
        gaps=len(all_) - len(known),
    )
