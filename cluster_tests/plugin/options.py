"""The options that this project adds to `run-contexts`, and its way to refuse a command line."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from cluster_tests.errors import InventoryError, UsageError
from cluster_tests.lab.plan import LabPlan

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Mapping

INVENTORY_VARIABLE = "CLUSTER_TESTS_INVENTORY"


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add our options, and let a wrong command line end with the exit code of a usage error."""
    parser.add_argument(
        "--inventory",
        metavar="FILE",
        help=f"the cluster under test (default: ${INVENTORY_VARIABLE}, else the local lab)",
    )
    parser.add_argument(
        "--keep",
        action="store_true",
        help="leave what a spec created on the cluster, and say how to look at it and remove it",
    )

    def error(message: str) -> NoReturn:
        parser.print_usage(sys.stderr)
        refuse(UsageError(message))

    # argparse would end with 2, which means here: nothing is known about the cluster.
    parser.error = error  # type: ignore[method-assign]


def inventory_source(args: argparse.Namespace, environ: Mapping[str, str]) -> Callable[[], Path]:
    """Return what finds the inventory when a spec needs it: the named file, else the local lab's.

    Raises ``InventoryError`` at once with everything that is wrong in a named file.
    """
    named = args.inventory or environ.get(INVENTORY_VARIABLE)
    if not named:
        return _of_the_local_lab
    # Only here: what checks the file takes a while to load.
    from cluster_tests.inventory.file import load_inventory  # noqa: PLC0415

    path = Path(named)
    load_inventory(path)
    return lambda: path


def inventory_as_it_is(named: Path | None, environ: Mapping[str, str]) -> Path:
    """Find the inventory of a cluster that somebody looks at; nothing is read or changed.

    The local lab is not brought up for it: that would hide what is wrong, and change what was kept.
    Raises ``InventoryError`` when there is none.
    """
    chosen = named or environ.get(INVENTORY_VARIABLE)
    if chosen:
        return Path(chosen)
    path = LabPlan().inventory
    if not path.is_file():
        raise InventoryError(
            "there is neither an inventory nor a local lab",
            remedy="name one with --inventory FILE, or: cluster-tests lab up",
        )
    return path


def _of_the_local_lab() -> Path:
    # Only here: specs that need no cluster need no lab.
    from rich.console import Console  # noqa: PLC0415

    from cluster_tests.lab import ensure_up  # noqa: PLC0415
    from cluster_tests.lab.progress import progress_on  # noqa: PLC0415

    # On stderr: Contexts captures stdout, and bringing up a lab takes long enough to be seen.
    with progress_on(Console(stderr=True)) as progress:
        return ensure_up(progress)


def refuse(error: UsageError) -> NoReturn:
    """Print ``error`` and end the process with its exit code."""
    sys.stderr.write(f"run-contexts: {error}\n")
    sys.exit(error.exit_code)
