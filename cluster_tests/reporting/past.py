"""The history as lines for a terminal or a log: the last runs, and what changed with the latest."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cluster_tests.reporting.words import MARKS, NOT_MEASURED, count, percent, seconds
from cluster_tests.results.place import REPORT

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from cluster_tests.history.values import PastRun, Standing

_WORDS = ("started", "verdict", "run", "cluster", "version")  # the others are numbers
_GAP = "  "
# What a narrow terminal goes without, the least wanted first: a run without its ID, its verdict or
# what failed would be no answer.
_DISPENSABLE = (
    "own",
    "cluster",
    "switches",
    "scenarios",
    "version",
    "to settle",
    "started",
    "away",
)


def told(
    runs: Sequence[PastRun], standing: Standing, root: Path, width: int | None
) -> Iterator[str]:
    """Yield a line a run, the latest last, and then what changed with it.

    Lines of runs fit into ``width`` columns where there is one (None: a log, which has room).
    """
    if not runs:
        yield "no run is kept"
        return
    rows = [_row(run) for run in runs]
    columns, missing = _fitting(rows, width)
    widths = {name: _width(name, rows) for name in columns}
    for row in ({name: name for name in columns}, *rows):
        cells = (_cell(name, row[name], widths[name]) for name in columns)
        yield _GAP.join(cells).rstrip()
    if missing:
        yield f"(no room for: {', '.join(missing)})"
    yield ""
    yield from _news(standing, root)


def _row(run: PastRun) -> dict[str, str]:
    return {
        "started": run.started[:16].replace("T", " "),
        "verdict": f"{MARKS[run.verdict]} {run.verdict or 'not ended'}",
        "run": run.run_id,
        "cluster": run.cluster or "-",
        "version": run.version or "-",
        "scenarios": str(run.scenarios),
        "failed": str(run.failed),
        "unknown": str(run.unknown),
        "switches": str(run.switches),
        "to settle": _measured(seconds(run.median_switch)),
        "away": _measured(seconds(run.worst_downtime)),
        "lost": _measured(count(run.lost)),
        "own": _measured(percent(run.own_share)),
    }


def _measured(text: str) -> str:
    return "-" if text == NOT_MEASURED else text


def _fitting(rows: Sequence[dict[str, str]], width: int | None) -> tuple[list[str], list[str]]:
    """Choose the columns that fit, and tell which do not."""
    columns, missing = list(rows[0]), []
    for name in _DISPENSABLE:
        taken = sum(_width(each, rows) + len(_GAP) for each in columns) - len(_GAP)
        if width is None or taken <= width:
            break
        columns.remove(name)
        missing.append(name)
    return columns, missing


def _width(name: str, rows: Sequence[dict[str, str]]) -> int:
    return max(len(name), *(len(row[name]) for row in rows))


def _cell(name: str, text: str, width: int) -> str:
    return text.ljust(width) if name in _WORDS else text.rjust(width)


def _news(standing: Standing, root: Path) -> Iterator[str]:
    latest, earlier = standing.trend[-1], len(standing.trend) - 1
    compared = f"compared with {earlier} earlier" if earlier else "with no earlier one to compare"
    yield f"latest: {MARKS[latest.verdict]} {latest.run_id}, {compared}"
    news = list(_changes(standing))
    yield from news or ["nothing new: no new failure, nothing flaky, nothing slower"]
    report = root / latest.run_id / REPORT
    if report.exists():
        yield f"report: {report}"


def _changes(standing: Standing) -> Iterator[str]:
    latest = standing.trend[-1]
    yield from (f"new failure: {each}" for each in standing.new_failures)
    yield from (f"passes again: {each}" for each in standing.mended)
    for flaky in standing.flaky:
        yield (
            f"flaky on version {latest.version}: {flaky.scenario}"
            f" (passed {flaky.passed}, failed {flaky.failed})"
        )
    for slow in standing.slower:
        yield (
            f"slower: {slow.kind}, {slow.measure}: {seconds(slow.now)}; usually"
            f" {seconds(slow.usual)}, by noise up to {seconds(slow.limit)}"
        )
