"""``cluster-tests report``, ``retell``, ``history``, ``merge``: what results are good for later."""

from __future__ import annotations

import json
import os
import shutil
import sys
from dataclasses import asdict
from pathlib import Path  # noqa: TC003 - the command line is made from the annotations
from typing import Annotated

import typer

from cluster_tests.errors import UsageError
from cluster_tests.history.store import History
from cluster_tests.report import Progress, say
from cluster_tests.reporting.past import told
from cluster_tests.reporting.retelling import MOST, retelling
from cluster_tests.results.place import REPORT, VARIABLE, results_root


def report(
    directory: Annotated[Path, typer.Argument(help="A run's directory, below results/.")],
) -> None:
    """Make report.html, junit.xml and summary.md of a run again, from what it wrote down.

    Works for a run that was killed, too: it is shown as far as it came. Prints the report's path.
    """
    from cluster_tests.reporting.concluding import conclude  # noqa: PLC0415 - takes a while to load

    with Progress(f"{directory}: reading"):
        path = conclude(directory)
    typer.echo(path)


def retell(
    directory: Annotated[
        Path | None, typer.Argument(help="A run's directory (default: the latest run's).")
    ] = None,
    *,
    most: Annotated[int, typer.Option(min=1, help="How many contexts to tell of.")] = MOST,
) -> None:
    """Tell again what went wrong in a run, in the few lines that it closed with.

    For the end of a CI job's log, say. Works for a run that was killed, too, as far as it came.
    """
    from cluster_tests.results.reader import latest_run, read_results  # noqa: PLC0415 - the same

    place = directory or latest_run(results_root(os.environ))
    results = read_results(place)
    for line in retelling(results, place, most=most):
        typer.echo(line)
    if (place / REPORT).is_file():
        typer.echo(f"report: {place / REPORT}")
    typer.echo(f"verdict: {results.run.verdict or 'not ended'}")


def merge(
    directories: Annotated[list[Path], typer.Argument(metavar="DIR...", help="Runs' directories.")],
    *,
    into: Annotated[Path, typer.Option(help="Where the merged run is written; a new directory.")],
) -> None:
    """Join runs into one, with one report: the shards of `run-contexts --shard I/N`, say.

    Ends with the exit code of the merged run: 0 only if every part passed and no shard is missing.

    Example: cluster-tests merge shards/* --into results/nightly
    """
    from cluster_tests.reporting.concluding import conclude  # noqa: PLC0415 - takes a while to load
    from cluster_tests.results.merging import merge as join  # noqa: PLC0415 - the same

    with Progress(f"merging {len(directories)} runs"):
        run = join(directories, into)
        path = conclude(into)
    for error in run.errors:
        say(f"note: {error}", indent=0)
    say(f"report: {path}\nverdict: {run.verdict}", indent=0)
    raise typer.Exit(run.exit_code or 0)


def history(
    *,
    results: Annotated[
        Path | None,
        typer.Option(help=f"The results' directory (default: ${VARIABLE}, else results/)."),
    ] = None,
    last: Annotated[int, typer.Option(min=1, help="How many runs to show.")] = 20,
    cluster: Annotated[
        str | None, typer.Option(help="Only runs of this cluster, by its inventory's name.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One object, for programs.")] = False,
    rebuild: Annotated[
        bool, typer.Option("--rebuild", help="First read all runs' directories anew.")
    ] = False,
) -> None:
    """Show the last runs, and what changed with the latest: new failures, flaky, slower.

    A scenario is flaky that both passed and failed on one version of the cluster. A kind of switch
    is slower when its median is beyond the noise of the earlier runs (docs/results.md).
    """
    root = results or results_root(os.environ)
    if rebuild:
        _rebuild(root)
    if not History(root).path.exists():
        raise UsageError(
            f"there is no history in {root}",
            remedy="run specs first, or: cluster-tests history --rebuild",
        )
    runs = History(root).runs(cluster=cluster, last=last)
    standing = History(root).standing(runs[-1].run_id if runs else "")
    if as_json:
        content = {"runs": list(map(asdict, runs)), "latest": asdict(standing)}
        typer.echo(json.dumps(content, indent=1))
        return
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    for line in told(runs, standing, root, width):
        typer.echo(line)


def _rebuild(root: Path) -> None:
    from cluster_tests.results.reader import read_results  # noqa: PLC0415 - takes a while to load

    kept = History(root)
    kept.path.unlink(missing_ok=True)
    with Progress("reading all runs") as step:
        for path in sorted(root.glob("*/run.json")):
            step.doing(f"reading {path.parent.name}")
            try:
                kept.add(read_results(path.parent))
            except UsageError as error:
                say(f"left out: {error}", indent=0)
