"""What a night consists of: this suite's commands, and what their exit codes mean for it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from cluster_tests.results.place import RUN_ID, VARIABLE
from cluster_tests.results.verdict import Verdict, in_sum

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

_JUDGED = {verdict.exit_code: verdict for verdict in (Verdict.PASS, Verdict.FAIL)}
_TOLD = {verdict.exit_code: verdict for verdict in (Verdict.USAGE, Verdict.INTERRUPTED)}


@dataclass(frozen=True)
class Step:
    """One command. ``needed``: nothing after it can be judged unless it succeeds.

    ``judges``: its exit code is a verdict on the cluster. Of all others, a failure only means
    that the cluster could not be judged. ``always``: it is run whatever became of those before.
    ``environment`` is added to ours.
    """

    name: str
    command: tuple[str, ...]
    needed: bool = False
    judges: bool = False
    always: bool = False
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Night:
    """What was asked for; without an ``inventory`` it is the local lab, which is brought up.

    Results go below ``root``: the parts' own, and the night's under ``run_id``.
    """

    root: Path
    run_id: str
    inventory: Path | None = None
    full: bool = False
    shard: str = ""
    specs: Sequence[str] = field(default_factory=lambda: ["specs/"])


def judging(night: Night) -> Iterator[Step]:
    """Yield the commands that judge the cluster, and what they need, in their order."""
    where = [] if night.inventory is None else ["--inventory", str(night.inventory)]
    shard = ["--shard", night.shard] if night.shard else []
    tour = "--full" if night.full else "--kinds"
    if night.inventory is None:
        yield Step("lab", ("cluster-tests", "lab", "up"), needed=True)
    yield Step("doctor", ("cluster-tests", "doctor", *where), needed=True)
    yield _judge(night, "specs", ("run-contexts", *night.specs, "-v", "-s", *where, *shard))
    yield _judge(night, "tour", ("cluster-tests", "tour", tour, *where))


def closing(night: Night) -> Iterator[Step]:
    """Yield what is done in any case, after whatever was judged has written its results."""
    written = sorted(map(str, night.root.glob(f"{night.run_id}-*")))
    # Of one shard alone, a report of the whole would only say that the others are missing.
    if written and not night.shard:
        into = str(night.root / night.run_id)
        command = ("cluster-tests", "merge", *written, "--into", into)
        yield Step("report", command, judges=True, always=True)
    if night.inventory is None:
        yield Step("lab down", ("cluster-tests", "lab", "down"), always=True)


def _judge(night: Night, name: str, command: tuple[str, ...]) -> Step:
    environment = {VARIABLE: str(night.root), RUN_ID: f"{night.run_id}-{name}"}
    return Step(name, command, judges=True, environment=environment)


def verdict_of(step: Step, code: int) -> Verdict:
    """Say what a step's exit code means for the night."""
    meant = _TOLD | (_JUDGED if step.judges else {Verdict.PASS.exit_code: Verdict.PASS})
    return meant.get(code, Verdict.UNKNOWN)


def of_the_night(verdicts: Iterable[Verdict]) -> Verdict:
    """Sum a night up; one in which nothing was judged proves nothing."""
    return in_sum(verdicts, of_nothing=Verdict.UNKNOWN)
