"""``cluster-tests doctor``: the command line."""

from __future__ import annotations

import json
import os
import sys
import threading
from pathlib import Path  # noqa: TC003 - typer reads the annotations at run time
from typing import Annotated

import typer
from rich.console import Console

from cluster_tests.doctor.findings import Finding, Outcome
from cluster_tests.errors import InventoryError
from cluster_tests.lab.plan import LabPlan
from cluster_tests.plugin.options import INVENTORY_VARIABLE, inventory_as_it_is
from cluster_tests.report import Progress

_FAILED = 1


def doctor(
    *,
    inventory: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help=f"The inventory to check (default: ${INVENTORY_VARIABLE}, else the local lab's).",
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="An object for programs.")] = False,
) -> None:
    """Check an inventory end to end.

    From the key file to the nodes' clocks, with a deadline for each check and all nodes side by
    side: it tells for each node what holds, what does not, and the command that mends it. What
    cannot be looked at because a node is down is told as "not checked". Nothing that it starts on
    a node outlives it, so that it needs no may_change.

    Exit code 0: all holds; 1: something does not hold, or could not be checked; 3: the inventory
    itself is wrong.

      cluster-tests doctor --inventory cluster.yaml

      cluster-tests doctor --json | jq -r '.findings[].remedy'
    """
    path = inventory_as_it_is(inventory, os.environ)
    try:
        cluster, findings = _examined(path)
    except InventoryError as error:
        if as_json:  # the error itself is told on stderr, as always
            wrong = Finding("inventory", "file", Outcome.FAILS, error.message, error.remedy)
            _tell_json(path, "", [wrong])
        raise
    if as_json:
        _tell_json(path, cluster, findings)
    else:
        _tell(path, cluster, findings)
    raise typer.Exit(0 if _all_hold(findings) else _FAILED)


def _examined(path: Path) -> tuple[str, list[Finding]]:
    # Only here: what an examination needs takes a while to load, and --help does not need it.
    from cluster_tests.doctor.examination import examine  # noqa: PLC0415
    from cluster_tests.inventory.file import load_inventory  # noqa: PLC0415

    inventory = load_inventory(path)
    under_way: dict[str, str] = {}
    lock = threading.Lock()
    with Progress("examining", stream=sys.stderr) as progress:

        def begun(subject: str, check: str) -> None:
            with lock:
                under_way[subject] = f"{subject}: {check}"
                progress.doing(f"examining ({'; '.join(under_way.values())})")

        return inventory.name, examine(inventory, begun)


def _all_hold(findings: list[Finding]) -> bool:
    return all(finding.outcome in {Outcome.HOLDS, Outcome.NOTE} for finding in findings)


def _tell(path: Path, cluster: str, findings: list[Finding]) -> None:
    from cluster_tests.doctor.paper import show, summary  # noqa: PLC0415 - see above

    console = Console(highlight=False)
    console.print(f"{cluster}: {path}", markup=False, soft_wrap=True)
    show(console, findings)
    console.print(summary(findings), markup=False)
    if not _all_hold(findings) and path.absolute() == LabPlan().inventory.absolute():
        console.print("It is the local lab; what is down is brought up by: cluster-tests lab up")


def _tell_json(path: Path, cluster: str, findings: list[Finding]) -> None:
    told = {
        "inventory": str(path),
        "cluster": cluster,
        "holds": _all_hold(findings),
        "findings": [finding.as_json() for finding in findings],
    }
    typer.echo(json.dumps(told, indent=1))
