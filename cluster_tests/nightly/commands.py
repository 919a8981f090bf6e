"""``cluster-tests nightly``: everything, unattended, with one exit code."""

from __future__ import annotations

import fcntl
import os
import sys
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cluster_tests.errors import UsageError
from cluster_tests.nightly.running import Nightwatch
from cluster_tests.nightly.steps import Night, closing, judging, of_the_night
from cluster_tests.report import say
from cluster_tests.reporting.retelling import retelling
from cluster_tests.results.place import REPORT, RUN_ID, results_root, run_id
from cluster_tests.results.reader import read_results
from cluster_tests.results.verdict import Verdict
from cluster_tests.results.writer import RUN

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from cluster_tests.nightly.running import Done

_LOCK = "nightly.lock"
_MINUTE = 60.0
_MOST = 3  # contexts of a part that are retold; the report has them all


def nightly(
    *,
    inventory: Annotated[
        Path | None, typer.Option(help="The cluster under test; the local lab by default.")
    ] = None,
    full: Annotated[
        bool, typer.Option("--full", help="Tour all switches (288 on four nodes), not the kinds.")
    ] = False,
    shard: Annotated[
        str, typer.Option(metavar="I/N", help="Run the I-th of N parts of the specs.")
    ] = "",
    deadline: Annotated[
        float, typer.Option(help="Minutes after which whatever still runs is ended.", min=0.1)
    ] = 240.0,
) -> None:
    """Do all of it unattended: doctor, infrastructure, all specs, a tour, their reports.

    Without an inventory the local lab is brought up for it, and down again. Only one night runs
    at a time. Exit code: 0 all passed, 1 something failed, 2 nothing failed but something is
    unknown, 3 a mistake in the arguments or the inventory, 130 interrupted.
    """
    root = results_root(os.environ)
    night = Night(root, run_id(os.environ), inventory, full=full, shard=shard)
    with _alone(root / _LOCK) as lock:
        _require_new(night)
        watch = Nightwatch(deadline * _MINUTE, _with_our_commands(os.environ), lock=lock)
        watch.catch()
        judged = [as_written(night, each) for each in watch.run(judging(night))]
        done = judged + watch.run(closing(night))
        for line in retold(night, judged):
            say(line, indent=0)
        for line in told(done, night.directory / REPORT):
            say(line, indent=0)
    raise typer.Exit(of_the_night(each.verdict for each in done).exit_code)


def as_written(night: Night, done: Done) -> Done:
    """Take "infrastructure" from what a part wrote: its exit code, 2, says only "unknown".

    On nodes that are not fit, a failure of the tour proves nothing either.
    """
    directory = _written_by(night, done)
    if done.verdict is not Verdict.UNKNOWN or done.remark or directory is None:
        return done
    try:
        found = read_results(directory).run.verdict
    except UsageError as error:  # the night goes on: whatever was brought up must go down
        return replace(done, remark=error.message)
    return replace(done, verdict=found) if found is Verdict.INFRASTRUCTURE else done


def retold(night: Night, done: Iterable[Done]) -> Iterator[str]:
    """Yield what went wrong first in each part: its own lines are far above by the morning."""
    for each in done:
        directory = _written_by(night, each)
        if each.verdict is Verdict.PASS or directory is None:
            continue
        try:
            results = read_results(directory)
        except UsageError as error:  # the night is over: what else it found is still to be told
            yield f"{each.step.name}: {error.message}"
            continue
        yield from retelling(results, directory, most=_MOST)


def _written_by(night: Night, done: Done) -> Path | None:
    """Return where a part's own results are; None where it wrote none."""
    directory = night.root / done.step.environment.get(RUN_ID, "")
    return directory if (directory / RUN).is_file() else None


def _with_our_commands(environ: Mapping[str, str]) -> dict[str, str]:
    """Let the parts be found where this command is, also by who calls it by its path."""
    here = str(Path(sys.argv[0]).resolve().parent)
    return {**environ, "PATH": os.pathsep.join(filter(None, [environ.get("PATH"), here]))}


def told(done: Sequence[Done], report: Path) -> Iterator[str]:
    """Sum the night up for whoever reads it in the morning, a line a step."""
    width = max(len(each.step.name) for each in done)
    for each in done:
        remark = f"  ({each.remark})" if each.remark else ""
        yield (f"{each.step.name:{width}}  {each.verdict:11}  {each.seconds:6.0f} s{remark}")
    if report.is_file():
        yield f"report: {report}"
    yield f"verdict of the night: {of_the_night(each.verdict for each in done)}"


def _require_new(night: Night) -> None:
    """Raise ``UsageError`` for a run ID that has results: they would be taken for this night's."""
    taken = sorted({*night.root.glob(night.run_id), *night.root.glob(f"{night.run_id}-*")})
    if taken:
        raise UsageError(
            f"there are results of the run {night.run_id} already: {taken[0]}",
            remedy=f"move them away, or name another run in {RUN_ID}",
        )


@contextmanager
def _alone(path: Path) -> Iterator[int]:
    """Hold the lock, or raise ``UsageError``: two nights would judge each other's load.

    The lock is the kernel's: it ends with the last process that has the file open, however those
    end. So the parts of a night have it open, too (flock(2)): they may outlive one that is killed.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            lock.seek(0)
            raise UsageError(
                f"another nightly run is under way here (process {lock.read().strip() or '?'})",
                remedy=f"wait for its end; who holds {path}: fuser {path}",
            ) from error
        lock.truncate(0)
        lock.write(f"{os.getpid()}\n")
        lock.flush()
        yield lock.fileno()
