"""Removes what a spec could not remove from a cluster that was broken on purpose.

The suite's journal has the names. By then the cluster works again; its destroy of an application
without a record lets every node remove what is left there (fixtures/cluster, ``plan.py``).
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from cluster_tests.errors import HarnessError
from cluster_tests.expectation.question import footprint
from cluster_tests.model import Application
from cluster_tests.session.session import open_session
from cluster_tests.tenancy.tenant import traces

if TYPE_CHECKING:
    from cluster_tests.session.session import Session

# What the name of the directory begins with in which ``prove.py`` has its inventory.
PREFIX = "cluster-tests-breaks-"


def remove_leftovers(inventory: Path) -> list[str]:
    """Remove all that runs of ``prove.py`` left behind, also killed ones; name the applications."""
    session = open_session(inventory)
    try:
        left = {
            entry: Application(claim.repo_url, claim.branch)
            for entry, claim in session.journal.left().items()
            if Path(claim.inventory).parent.name.startswith(PREFIX)
        }
        for entry, application in left.items():
            _remove(session, application)
            session.journal.release(entry)
        return [str(application) for application in left.values()]
    finally:
        session.close()


def _remove(session: Session, application: Application) -> None:
    cluster = session.cluster
    # Once with a record, which lets its nodes go; and once without, which lets all nodes sweep.
    for _ in range(2):
        cluster.await_handled(cluster.destroy(application))
    cluster.consul.set_maintenance(application, up=False)
    cluster.remove_snapshots(application)
    found = traces(cluster.observe(footprint(application)))
    if found:
        raise HarnessError(f"{application} is still there: {', '.join(found)}")
    session.publisher.withdraw_leftover(application)
