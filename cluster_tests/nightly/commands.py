"""``cluster-tests nightly``: everything, unattended, with one exit code."""

from __future__ import annotations

import fcntl
import os
from contextlib import contextmanager
from pathlib import Path  # noqa: TC003 - the command line is made from the annotations
from typing import TYPE_CHECKING, Annotated

import typer

from cluster_tests.errors import UsageError
from cluster_tests.nightly.running import Nightwatch
from cluster_tests.nightly.steps import Night, closing, judging, of_the_night
from cluster_tests.report import say
from cluster_tests.results.place import new_run_id, results_root

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from cluster_tests.nightly.running import Done

_LOCK = "nightly.lock"
_MINUTE = 60.0


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
    night = Night(root, new_run_id(), inventory, full=full, shard=shard)
    with _alone(root / _LOCK):
        watch = Nightwatch(deadline * _MINUTE, os.environ)
        watch.catch()
        done = watch.run(judging(night)) + watch.run(closing(night))
        for line in told(done):
            say(line, indent=0)
    raise typer.Exit(of_the_night(each.verdict for each in done).exit_code)


def told(done: Sequence[Done]) -> Iterator[str]:
    """Sum the night up for whoever reads it in the morning, a line a step."""
    width = max(len(each.step.name) for each in done)
    for each in done:
        remark = f"  ({each.remark})" if each.remark else ""
        yield (f"{each.step.name:{width}}  {each.verdict:11}  {each.seconds:6.0f} s{remark}")
    yield f"verdict of the night: {of_the_night(each.verdict for each in done)}"


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Hold the lock, or raise ``UsageError``: two nights would judge each other's load.

    The lock is the kernel's: it ends with the process, however that ends.
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
        yield
