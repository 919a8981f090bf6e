"""``cluster-tests shell``: logs in to a node, to look around."""

from __future__ import annotations

import os
import shutil
from pathlib import Path  # noqa: TC003 - typer reads the annotations at run time
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from cluster_tests.errors import HarnessError
from cluster_tests.lab.plan import LabPlan
from cluster_tests.plugin.options import INVENTORY_VARIABLE, inventory_as_it_is

if TYPE_CHECKING:
    from cluster_tests.inventory.entries import Inventory


def shell(
    node: Annotated[str, typer.Argument(metavar="NODE", help="Its name in the inventory.")],
    *,
    inventory: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help=f"The cluster (default: ${INVENTORY_VARIABLE}, else the local lab).",
        ),
    ] = None,
) -> None:
    """Log in to a node over SSH, the way that its inventory says.

    With the account, key, jump hosts and known hosts that the suite uses, and as strict: a host
    that is not known is refused. It brings nothing up and changes nothing, so that it needs no
    may_change.

      cluster-tests shell core2 --inventory cluster.yaml

      echo 'docker ps' | cluster-tests shell core2

    Exit code: that of the shell; 255: ssh itself failed, and says why; 3: wrong node or inventory.
    """
    _log_in(_loaded(inventory_as_it_is(inventory, os.environ)), node)


def lab_shell(
    node: Annotated[str, typer.Argument(metavar="NODE", help="core1 to core4.")],
) -> None:
    """Log in to a node of the lab over SSH, as an operator would: see `cluster-tests shell`."""
    from cluster_tests.lab.status import require  # noqa: PLC0415 - the engine's client loads slowly

    plan = LabPlan()
    inventory = _loaded(plan.inventory)
    inventory.require_node(node)
    require(plan, node)
    _log_in(inventory, node)


def _loaded(path: Path) -> Inventory:
    # Only here: it takes a while to load, and --help does not need it.
    from cluster_tests.inventory.file import load_inventory  # noqa: PLC0415

    return load_inventory(path)


def _log_in(inventory: Inventory, node: str) -> NoReturn:
    """Hand the terminal over to ssh, as strict about the host's key as the tunnels are."""
    from cluster_tests.session.access import target_of  # noqa: PLC0415 - see above

    inventory.require_node(node)
    client = shutil.which("ssh")
    if client is None:
        raise HarnessError("there is no ssh client", remedy="apt-get install openssh-client")
    strict = "accept-new" if target_of(inventory, node).accept_new else "yes"
    ssh, *words = inventory.nodes[node].ssh.words
    os.execv(client, [ssh, "-o", f"StrictHostKeyChecking={strict}", *words])  # noqa: S606 - see above
