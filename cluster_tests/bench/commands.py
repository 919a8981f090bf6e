"""``cluster-tests bench``: what the parts cost, measured on this machine."""

from __future__ import annotations

import json
import signal
from pathlib import Path  # noqa: TC003 - typer reads the annotations at run time
from typing import Annotated

import typer
from rich.console import Console

from cluster_tests.bench.course import Effort, run
from cluster_tests.bench.plot import draw, load_pyplot
from cluster_tests.bench.table import show
from cluster_tests.lab.progress import progress_on

bench = typer.Typer(
    no_args_is_help=True, rich_markup_mode=None, help="Measure what the parts cost."
)


@bench.callback()
def _bench() -> None:
    """Keep ``tunnels`` a command of its own, also as long as it is the only one."""


@bench.command()
def tunnels(
    *,
    json_: Annotated[
        bool, typer.Option("--json", help="Print figures and medians as JSON; goals are not told.")
    ] = False,
    rounds: Annotated[
        int, typer.Option(min=1, help="Rounds in which the sides take turns; more are steadier.")
    ] = 10,
    plot: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Also draw what was measured (SVG; needs matplotlib)."),
    ] = None,
) -> None:
    """Measure our tunnels beside ssh -L and sshtunnel, in one run of a minute or two.

    An sshd of the command's own serves all of them on loopback; no lab is needed, and nothing is
    left behind. The far end is this machine's Docker engine where one answers at
    /var/run/docker.sock (it is only pinged), else a small server of the command's own.

    On a machine that does something else meanwhile, the medians say little and the ratios more.
    The exit code is 0 also when a goal is missed: this measures, and judges nobody.

    Example: cluster-tests bench tunnels --rounds 30 --plot tunnels.svg
    """
    pyplot = load_pyplot() if plot else None  # before a minute is spent
    # Ended in any way, it takes along what it has started.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with progress_on(Console(stderr=True)) as progress:
        samples = run(Effort(rounds=rounds), progress)
    if json_:
        typer.echo(json.dumps(samples.as_json(), indent=2, ensure_ascii=False))
    else:
        show(samples, Console())
    if plot:
        draw(samples, plot, pyplot)
