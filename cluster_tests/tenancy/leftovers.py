"""Removes what runs that were killed left on a cluster: the journal has the names.

The cluster's own destroy does it: with a record it lets the record's nodes go, and without one
every node sweeps (docs/contract.md says what a destroy removes).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cluster_tests.errors import HarnessError, NotSettledError
from cluster_tests.expectation.question import footprint
from cluster_tests.model import Application
from cluster_tests.report import Progress
from cluster_tests.tenancy.traces import traces

if TYPE_CHECKING:
    from collections.abc import Callable

    from cluster_tests.cluster.cluster import Cluster
    from cluster_tests.journal import Claim
    from cluster_tests.session.session import Session


def remove_leftovers(session: Session, wanted: Callable[[Claim], bool]) -> list[Application]:
    """Remove what is left of every claim that is ``wanted``, and tell which applications it was.

    Raises ``HarnessError`` when something cannot be removed, and ``RefusedError`` when a branch on
    the forge is not ours; the journal keeps the entry then.
    """
    left = {entry: claim for entry, claim in session.journal.left().items() if wanted(claim)}
    removed = []
    for entry, claim in left.items():
        application = Application(claim.repo_url, claim.branch)
        with Progress(f"{application}: removing"):
            _remove(session, application)
        session.journal.release(entry)
        removed.append(application)
    return removed


def _remove(session: Session, application: Application) -> None:
    cluster = session.cluster
    for _ in ("with its record", "without one"):
        cluster.await_handled(cluster.destroy(application))
    cluster.consul.set_maintenance(application, up=False)
    cluster.remove_snapshots(application)
    _require_gone(cluster, application)
    session.publisher.withdraw_leftover(application)


def _require_gone(cluster: Cluster, application: Application) -> None:
    """Wait until nothing is left: what an agent of Consul could not tell a leader comes later."""
    try:
        cluster.await_shown(
            footprint(application), lambda shown: ", ".join(traces(shown)), f"{application} gone"
        )
    except NotSettledError as error:
        raise HarnessError(
            f"{application} is still there: {error.reason}",
            remedy="cluster-tests doctor, then cluster-tests clean once more",
        ) from error
