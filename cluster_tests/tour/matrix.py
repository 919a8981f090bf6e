"""The results of a tour: a row for each placement before, a column for each after."""

from __future__ import annotations

import json
from statistics import median
from typing import TYPE_CHECKING

from cluster_tests.model import NOWHERE, placements, short

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from cluster_tests.model import Placement
    from cluster_tests.tour.paper import Plan
    from cluster_tests.tour.tour import Result

_MARKS = {"pass": "", "fail": "!", "unknown": "?"}
_NOT_MADE = "."
_NO_SWITCH = ""


def lines(plan: Plan, results: Sequence[Result]) -> Iterator[str]:
    """Draw the matrix: seconds, with ``!`` behind a failed step, ``?`` behind an unknown one."""
    everywhere = placements(plan.nodes)
    cells = {(result.switch.before, result.switch.after): _cell(result) for result in results}
    heads = {place: short(place, plan.nodes) for place in everywhere}
    width = max(len(text) for text in (*heads.values(), *cells.values())) + 1
    yield "seconds to settle, by placement before (rows) and after (columns); ! failed, ? unknown"
    yield " " * width + "".join(f"{heads[after]:>{width}}" for after in everywhere)
    for before in everywhere:
        row = (_at(cells, before, after) for after in everywhere)
        yield f"{heads[before]:>{width}}" + "".join(f"{cell:>{width}}" for cell in row)


def save(plan: Plan, results: Sequence[Result], path: Path) -> None:
    """Write the results as JSON: what was planned, and an object for each step that was made."""
    made = [
        {
            "step": result.number,
            "kind": result.switch.kind,
            "before": str(result.switch.before),
            "after": str(result.switch.after),
            "verdict": result.verdict,
            "seconds": None if result.seconds is None else round(result.seconds, 3),
            "evidence": None if result.evidence is None else str(result.evidence),
        }
        for result in results
    ]
    whole = {"mode": plan.mode, "seed": plan.seed, "nodes": plan.nodes, "results": made}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(whole, indent=1) + "\n", encoding="utf-8")


def summary(results: Sequence[Result]) -> str:
    """Count the verdicts, and tell the median of the durations."""
    verdicts = [result.verdict for result in results]
    counts = ", ".join(f"{verdicts.count(each)} {each}" for each in dict.fromkeys(verdicts))
    seconds = [result.seconds for result in results if result.seconds is not None]
    middle = f"; median {median(seconds):.1f} s" if seconds else ""
    return f"{len(results)} switches made: {counts or 'none'}{middle}"


def _at(
    cells: Mapping[tuple[Placement, Placement], str], before: Placement, after: Placement
) -> str:
    empty = _NO_SWITCH if before == after == NOWHERE else _NOT_MADE
    return cells.get((before, after), empty)


def _cell(result: Result) -> str:
    seconds = "" if result.seconds is None else f"{result.seconds:.1f}"
    return seconds + _MARKS[result.verdict]
