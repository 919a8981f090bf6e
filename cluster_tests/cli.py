"""``cluster-tests``: the lab, and whatever an operator asks outside of a run."""

from __future__ import annotations

import sys
from typing import Annotated

import typer
from rich.console import Console

from cluster_tests import __version__
from cluster_tests.bench.commands import bench
from cluster_tests.cleaning import clean
from cluster_tests.doctor.commands import doctor
from cluster_tests.errors import ClusterTestsError, UsageError
from cluster_tests.forwards.commands import tunnels
from cluster_tests.lab.commands import lab
from cluster_tests.listing import list_specs
from cluster_tests.nightly.commands import nightly
from cluster_tests.reporting.commands import history, merge, report, retell
from cluster_tests.shell import lab_shell, shell
from cluster_tests.tour.commands import tour

_LIBRARY_USAGE = 2

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help="Behavioural tests for clusters that switch services between nodes.\n\n"
    "The specs themselves are run by: run-contexts specs/ -v -s",
)
lab.command("shell")(lab_shell)
app.add_typer(lab, name="lab")
app.add_typer(bench, name="bench")
app.command()(tour)
app.command()(nightly)
app.command()(doctor)
app.command()(tunnels)
app.command()(shell)
app.command("list")(list_specs)
app.command()(clean)
app.command()(report)
app.command()(retell)
app.command()(history)
app.command()(merge)


def _version(wanted: bool) -> None:  # noqa: FBT001 - typer's callback signature
    if wanted:
        typer.echo(f"cluster-tests {__version__}")
        raise typer.Exit


@app.callback()
def options(
    *,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Say the version.")
    ] = False,
) -> None:
    """Hold the options that stand before any command."""


def main() -> None:
    """Run a command; our own errors are printed with their remedy, without a traceback."""
    try:
        app()
    except ClusterTestsError as error:
        Console(stderr=True).print(f"error: {error}", markup=False, highlight=False, soft_wrap=True)
        sys.exit(error.exit_code)
    except SystemExit as end:
        # The command line library ends with 2 for a mistyped command; our own 2, which commands
        # say by typer.Exit, means "unknown".
        mistyped = end.code == _LIBRARY_USAGE and not isinstance(end.__context__, typer.Exit)
        sys.exit(UsageError.exit_code if mistyped else end.code)
    except KeyboardInterrupt:
        Console(stderr=True).print("interrupted")
        sys.exit(130)
