"""The answer that a report opens with: the verdict, and the numbers it rests on."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

from cluster_tests.model import Kind
from cluster_tests.reporting.words import MARKS, count, percent, seconds
from cluster_tests.results.verdict import Verdict

if TYPE_CHECKING:
    from cluster_tests.results.values import Downtime, Results, SwitchRecord

_HEADLINES = {
    Verdict.PASS: "Passed",
    Verdict.FAIL: "Failed",
    Verdict.UNKNOWN: "Unknown",
    Verdict.INFRASTRUCTURE: "Unknown: the nodes are not fit",
    Verdict.USAGE: "Unknown: nothing could be run as asked",
    Verdict.INTERRUPTED: "Interrupted",
    None: "Not ended: it is still running, or was killed",
}
GOOD, BAD, DOUBTFUL, PLAIN = "pass", "fail", "unknown", "plain"


@dataclass(frozen=True)
class Tile:
    """One number with its name; ``note`` says more, ``tone`` how it is to be taken."""

    name: str
    value: str
    note: str = ""
    tone: str = PLAIN


@dataclass(frozen=True)
class Answer:
    """The verdict as mark and words, what it rests on, and the tone of it all."""

    mark: str
    headline: str
    reason: str
    tone: str
    tiles: tuple[Tile, ...]


def answer(results: Results) -> Answer:
    """Sum a run up."""
    verdict = results.run.verdict
    tone = verdict.of_a_result.value if verdict else DOUBTFUL
    return Answer(MARKS[verdict], _HEADLINES[verdict], _reason(results), tone, _tiles(results))


def longest_away(results: Results) -> tuple[SwitchRecord, str, Downtime] | None:
    """Find the switch and the route that was away longest; None where none was measured."""
    measured = ((switch, switch.worst_downtime) for switch in results.switches)
    known = [(switch, *worst) for switch, worst in measured if worst]
    return max(known, key=lambda each: each[2].seconds, default=None)


def _reason(results: Results) -> str:
    counts = Counter(scenario.verdict for scenario in results.scenarios)
    parts = []
    if counts[Verdict.FAIL]:
        parts.append(f"{counts[Verdict.FAIL]} of {len(results.scenarios)} scenarios failed")
    if counts[Verdict.UNKNOWN]:
        parts.append(f"{counts[Verdict.UNKNOWN]} could not be judged")
    if results.not_run:
        parts.append(f"{len(results.not_run)} that were planned did not run")
    if results.run.errors:
        parts.append(f"{len(results.run.errors)} errors belong to no scenario")
    if not parts and results.run.verdict is Verdict.PASS:
        return f"Everything held: {len(results.scenarios)} scenarios."
    return ("; ".join(parts) or "Nothing failed") + "."


def _tiles(results: Results) -> tuple[Tile, ...]:
    return (
        _scenarios(results),
        _kinds(results),
        _switches(results),
        *_writes(results),
        _downtime(results),
        _share(results),
    )


def _scenarios(results: Results) -> Tile:
    counts = Counter(scenario.verdict for scenario in results.scenarios)
    words = {Verdict.PASS: "passed", Verdict.FAIL: "failed", Verdict.UNKNOWN: "unknown"}
    parts = [f"{counts[verdict]} {word}" for verdict, word in words.items() if counts[verdict]]
    parts += [f"{len(results.not_run)} not run"] if results.not_run else []
    return Tile("scenarios", count(len(results.scenarios)), " · ".join(parts))


def _kinds(results: Results) -> Tile:
    kinds = {switch.kind for switch in results.switches}
    missing = [kind.value for kind in Kind if kind not in kinds]
    few = 1 <= len(missing) <= 3  # noqa: PLR2004 - more would not fit
    note = f"missing: {', '.join(missing)}" if few else "" if missing else "all of them"
    return Tile("kinds of switch", f"{len(kinds)} of {len(Kind)}", note)


def _switches(results: Results) -> Tile:
    taken = [switch.seconds for switch in results.switches if switch.settled]
    late = sum(not switch.settled for switch in results.switches)
    notes = [f"median {seconds(median(taken))} to settle"] if taken else []
    notes += [f"{late} did not settle"] if late else []
    return Tile("switches", count(len(results.switches)), " · ".join(notes), BAD if late else PLAIN)


def _writes(results: Results) -> tuple[Tile, Tile]:
    measured = [switch.writes for switch in results.switches if switch.writes]
    if not measured:
        return Tile("acknowledged writes", count(None)), Tile("lost writes", count(None))
    acknowledged = sum(writes.acknowledged for writes in measured)
    attempted = sum(writes.attempted for writes in measured)
    lost = sum(writes.lost for writes in measured)
    of = f"of {count(attempted)} attempted, in {len(measured)} of {len(results.switches)} switches"
    return (
        Tile("acknowledged writes", count(acknowledged), of),
        Tile("lost writes", count(lost), "acknowledged, and gone", BAD if lost else GOOD),
    )


def _downtime(results: Results) -> Tile:
    worst = longest_away(results)
    if worst is None:
        return Tile("worst downtime", seconds(None))
    switch, route, away = worst
    through = f" through {away.worst_node}" if away.worst_node else ""
    note = f"{switch.kind}, {switch.label}, {route}{through}"
    late = away.budget is not None and away.seconds > away.budget
    return Tile("worst downtime", seconds(away.seconds), note, BAD if late else PLAIN)


def _share(results: Results) -> Tile:
    share = results.run.share
    return Tile("the harness's own time", percent(share.own if share else None), "of the run's")
