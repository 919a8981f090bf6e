"""What a night consists of: this suite's commands, and what their exit codes mean for it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from cluster_tests.errors import UsageError
from cluster_tests.journal import Journal
from cluster_tests.results.place import RUN_ID, VARIABLE, journal_path
from cluster_tests.results.verdict import Verdict, in_sum
from cluster_tests.results.writer import RUN

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

    @property
    def directory(self) -> Path:
        """Where the night's own results are, joined of its parts'."""
        return self.root / self.run_id

    @property
    def where(self) -> tuple[str, ...]:
        """The options by which a command finds the cluster."""
        return () if self.inventory is None else ("--inventory", str(self.inventory))


def judging(night: Night) -> Iterator[Step]:
    """Yield the commands that judge the cluster, and what they need, in their order."""
    where = night.where
    shard = ["--shard", night.shard] if night.shard else []
    tour = "--full" if night.full else "--kinds"
    if night.inventory is None:
        yield Step("lab", ("cluster-tests", "lab", "up"), needed=True)
    yield Step("doctor", ("cluster-tests", "doctor", *where), needed=True)
    yield _judge(night, "specs", ("run-contexts", *night.specs, "-v", "-s", *where, *shard))
    yield _judge(night, "tour", ("cluster-tests", "tour", tour, *where))


def closing(night: Night) -> Iterator[Step]:
    """Yield what is done in any case, after whatever was judged has written its results."""
    # One that was killed before it had anything to tell has a directory, and nothing to join.
    written = sorted(str(run.parent) for run in night.root.glob(f"{night.run_id}-*/{RUN}"))
    # Of one shard alone, a report of the whole would only say that the others are missing.
    if written and not night.shard:
        command = ("cluster-tests", "merge", *written, "--into", str(night.directory))
        yield Step("report", command, judges=True, always=True)
    yield from _clearing(night)
    if night.inventory is None:
        yield Step("lab down", ("cluster-tests", "lab", "down"), always=True)


def _clearing(night: Night) -> Iterator[Step]:
    """Yield what removes the leftovers of parts that were ended too hard to do it themselves.

    What other runs left, or were told to keep, is nobody's business of this night.
    """
    environment = {VARIABLE: str(night.root)}
    for run in _unremoved(night, Journal(journal_path(environment))):
        command = ("cluster-tests", "clean", *night.where, "--run", run)
        yield Step("clean", command, always=True, environment=environment)


def _unremoved(night: Night, journal: Journal) -> list[str]:
    """List the night's runs that left something; the night itself where nobody can tell."""
    try:
        runs = {claim.run for claim in journal.left().values()}
    except UsageError:
        return [night.run_id]  # the command that clears up says what is wrong with the journal
    return sorted(run for run in runs if run.startswith(f"{night.run_id}-"))


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
