"""Joins several runs into one: the shards of a run on many machines, or runs one after the other.

What would make a merged report lie is refused, or becomes an error of the merged run, which is then
not "pass": a shard that is missing, shards of different splits, parts of different versions.
"""

from __future__ import annotations

import shutil
from dataclasses import replace
from typing import TYPE_CHECKING

from cluster_tests.errors import HarnessError, UsageError
from cluster_tests.results.place import new_run_id
from cluster_tests.results.reader import read_results
from cluster_tests.results.verdict import Verdict, in_sum
from cluster_tests.results.writer import RunWriter

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from cluster_tests.results.values import Results, RunRecord, ScenarioRecord


def merge(directories: Sequence[Path], into: Path) -> RunRecord:
    """Write the runs in ``directories`` as one run to ``into``, evidence and timelines included.

    Raises ``UsageError`` for runs of different clusters or versions, the same run twice, a split
    that is not the others', and an ``into`` that is not empty.
    """
    parts = [(directory, read_results(directory)) for directory in directories]
    _require_alike([results.run for _, results in parts])
    if into.exists() and (not into.is_dir() or any(into.iterdir())):
        raise UsageError(f"{into} is there already", remedy="name a new directory after --into")
    run = _joined([results for _, results in parts])
    writer = RunWriter(into)
    writer.run(run)
    for directory, results in parts:
        for scenario in _moved(directory, results, into):
            writer.scenario(scenario)
    return run


def _require_alike(runs: Sequence[RunRecord]) -> None:
    if len({run.run_id for run in runs}) < len(runs):
        raise UsageError("a run was named twice", remedy="name each run's directory once")
    # A run that reached no cluster knows neither; it agrees with all.
    for what, found in (
        ("clusters", {run.cluster for run in runs if run.cluster}),
        ("versions", {run.version for run in runs if run.cluster}),
        ("ways to split the specs", {(run.split, _count(run)) for run in runs if run.shard}),
    ):
        if len(found) > 1:
            told = ", ".join(sorted(map(str, found)))
            raise UsageError(
                f"these are runs of different {what}: {told}",
                remedy="merge what belongs together; shards are split alike where all machines"
                " know the same history",
            )
    shards = [run.shard for run in runs if run.shard]
    if len(set(shards)) < len(shards):
        raise UsageError("two of the runs are the same shard", remedy="leave the older one out")


def _joined(parts: Sequence[Results]) -> RunRecord:
    runs = [part.run for part in parts]
    missing = list(_missing(runs))
    verdicts = [run.verdict or Verdict.INTERRUPTED for run in runs]
    verdict = in_sum([*verdicts, *([Verdict.UNKNOWN] if missing else [])], of_nothing=Verdict.USAGE)
    known = next((run for run in runs if run.cluster), runs[0])
    ended = [run.ended for run in runs if run.ended]
    return replace(
        known,
        run_id=new_run_id(),
        command=("cluster-tests", "merge", *(run.run_id for run in runs)),
        started=min(run.started for run in runs),
        ended=max(ended, default=None),
        verdict=verdict,
        exit_code=verdict.exit_code,
        seed=known.seed if len({run.seed for run in runs}) == 1 else None,
        share=None,  # each machine had its own time
        shard=None,
        planned=tuple(dict.fromkeys(each for run in runs for each in run.planned)),
        parts=tuple(run.run_id for run in runs),
        errors=(*missing, *(error for run in runs for error in run.errors)),
    )


def _missing(runs: Sequence[RunRecord]) -> Iterator[str]:
    found = {run.shard for run in runs if run.shard}
    count = max((_count(run) for run in runs if run.shard), default=0)
    for number in range(1, count + 1):
        if f"{number}/{count}" not in found:
            yield f"shard {number}/{count} is missing: nothing is known of its scenarios"
    for run in runs:
        if run.ended is None:
            yield f"run {run.run_id} did not end: it was killed, or is still running"


def _count(run: RunRecord) -> int:
    return int((run.shard or "0/0").partition("/")[2])


def _moved(directory: Path, results: Results, into: Path) -> Iterator[ScenarioRecord]:
    """Copy what a part's scenarios point at, and yield them pointing at the copies."""
    run = results.run
    for name in ("timelines", "evidence"):
        if (directory / name).is_dir():
            _copy(directory / name, into / name / run.run_id)
    for scenario in results.scenarios:
        yield replace(
            scenario,
            shard=run.shard,
            evidence=_below(scenario.evidence, run.run_id),
            switches=tuple(
                replace(switch, timeline=_below(switch.timeline, run.run_id))
                for switch in scenario.switches
            ),
        )


def _below(path: str | None, run_id: str) -> str | None:
    if path is None:
        return None
    folder, _, rest = path.partition("/")
    return f"{folder}/{run_id}/{rest}"


def _copy(source: Path, target: Path) -> None:
    try:
        shutil.copytree(source, target)
    except OSError as error:
        raise HarnessError(
            f"{source} cannot be copied to {target}: {error}", remedy="make room, and merge again"
        ) from error
