"""``cluster-tests clean``: removes what killed runs left on a cluster."""

from __future__ import annotations

import os
from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cluster_tests.plugin.options import inventory_source
from cluster_tests.report import say

if TYPE_CHECKING:
    from cluster_tests.journal import Claim


def clean(
    *,
    inventory: Annotated[
        Path | None, typer.Option(help="The cluster under test; the local lab by default.")
    ] = None,
) -> None:
    """Remove what runs left on a cluster that were killed before they could.

    Every run writes down what it creates (results/journal.jsonl) and cleans up, after Ctrl-C too.
    What a run created that was killed is removed here: containers, volumes, snapshots, its record,
    its branch on the forge. What runs under way have created is left alone.
    """
    # What a session needs takes a while to load: not for a command line that is refused.
    from cluster_tests.session.session import open_session  # noqa: PLC0415
    from cluster_tests.tenancy.leftovers import remove_leftovers  # noqa: PLC0415

    path = inventory_source(Namespace(inventory=inventory), os.environ)()
    session = open_session(path)
    try:
        removed = remove_leftovers(session, lambda claim: is_left(claim, path))
        for claim in session.journal.left().values():
            say(f"left alone: {claim.branch} of {claim.repo_url}: {_why(claim)}", indent=0)
    finally:
        session.close()
    for application in removed:
        say(f"removed {application}", indent=0)
    say(f"{len(removed)} applications removed", indent=0)


def is_left(claim: Claim, inventory: Path) -> bool:
    """Tell whether a claim is about this cluster, and nobody will remove what it names."""
    return Path(claim.inventory).resolve() == inventory.resolve() and not claim.is_held


def _why(claim: Claim) -> str:
    if claim.is_held:
        return f"process {claim.process} made it, and lives"
    return f"it is on another cluster (--inventory {claim.inventory})"
