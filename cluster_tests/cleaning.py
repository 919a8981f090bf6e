"""``cluster-tests clean``: removes what killed runs left on a cluster."""

from __future__ import annotations

import os
from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cluster_tests.errors import UsageError
from cluster_tests.plugin.options import inventory_source
from cluster_tests.report import say

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cluster_tests.journal import Claim


def clean(
    *,
    inventory: Annotated[
        Path | None, typer.Option(help="The cluster under test; the local lab by default.")
    ] = None,
    run: Annotated[
        str | None, typer.Option(metavar="ID", help="Only what this run created.")
    ] = None,
) -> None:
    """Remove what runs left on a cluster that were killed before they could.

    Every run writes down what it creates (journal.jsonl, where its results are: results/, or what
    CLUSTER_TESTS_RESULTS names) and cleans up, after Ctrl-C too.
    What a run created that was killed is removed here: containers, volumes, snapshots, its record,
    its branch on the forge. What runs under way have created is left alone.

    A run's ID is the name of its directory there.
    """
    # What a session needs takes a while to load: not for a command line that is refused.
    from cluster_tests.session.session import open_session  # noqa: PLC0415
    from cluster_tests.tenancy.leftovers import remove_leftovers  # noqa: PLC0415

    path = inventory_source(Namespace(inventory=inventory), os.environ)()
    session = open_session(path)
    try:
        _require_known(run, session.journal.left().values())
        removed = remove_leftovers(session, lambda claim: is_left(claim, path, run))
        for claim in session.journal.left().values():
            say(f"left alone: {claim.branch} of {claim.repo_url}: {_why(claim, run)}", indent=0)
    finally:
        session.close()
    for application in removed:
        say(f"removed {application}", indent=0)
    say(f"{len(removed)} applications removed", indent=0)


def is_left(claim: Claim, inventory: Path, run: str | None = None) -> bool:
    """Tell whether a claim is about this cluster, and nobody will remove what it names.

    With a ``run``, only what that run claimed is meant.
    """
    meant = run is None or claim.run == run
    return meant and Path(claim.inventory).resolve() == inventory.resolve() and not claim.is_held


def _require_known(run: str | None, left: Iterable[Claim]) -> None:
    """Raise ``UsageError`` for a run that left nothing: a mistyped ID must not look like done."""
    runs = sorted({claim.run for claim in left if claim.run})
    if run is not None and run not in runs:
        raise UsageError(
            f"the journal knows of nothing that run {run} left behind",
            remedy=f"one of: {', '.join(runs)}" if runs else "nothing is left of any run",
        )


def _why(claim: Claim, run: str | None) -> str:
    if run is not None and claim.run != run:
        return f"run {claim.run or 'unknown'} made it"
    if claim.is_held:
        return f"process {claim.process} made it, and lives"
    return f"it is on another cluster (--inventory {claim.inventory})"
