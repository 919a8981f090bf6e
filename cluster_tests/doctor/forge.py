"""The forge as this machine reaches it, and what is looked for there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cluster_tests.doctor.checking import Check
from cluster_tests.services.git import RemoteBranch, work_tree

if TYPE_CHECKING:
    from cluster_tests.inventory.entries import Inventory

SERVICE, IMAGE = "ledger", "ledger-app:latest"  # what most specs publish, and its first image
_NO_BRANCH = "doctor"  # asked for, and never there: that the forge says so is enough


def forge_checks(inventory: Inventory) -> list[Check]:
    """List the checks of the forge from here; those from the nodes are theirs."""
    url = f"{inventory.forge.push_url}/{SERVICE}.git"
    branch = RemoteBranch(url, _NO_BRANCH, inventory.forge.ssh, inventory.deadlines.answer)

    def answers() -> str:
        with work_tree() as tree:
            tree.tip(branch)
        return ""

    return [Check("push URL", answers)]
