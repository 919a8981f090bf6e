"""Base context for the scripts of a repository: which ran, how they were called, and when."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from cluster_tests.errors import NodeError
from cluster_tests.givens.applications import ARunningApplication

if TYPE_CHECKING:
    from cluster_tests.session.session import Session
    from cluster_tests.tenancy.tenant import Tenant

# Where the scripts of the variant "scripted" note each call, in the checkout.
_NOTES = "ran"


class AnApplicationWithScripts(ARunningApplication):
    """Given a running application whose scripts note how they are called; ``update`` asks."""

    variant: ClassVar[str] = "scripted"

    # one line for each script that ran: its name, its arguments, how many containers ran meanwhile
    scripts: tuple[str, ...]
    # what an update script must be told
    own_arguments: str

    def switch(self) -> None:
        """Switch as ever, and read what the scripts noted."""
        super().switch()
        self.own_arguments = arguments_of(self._tenant)
        self.scripts = noted(self._session, self._tenant)


def arguments_of(tenant: Tenant) -> str:
    """Tell how the contract names an application to its scripts."""
    return f"-r {tenant.application.url} -b {tenant.application.branch}"


def noted(session: Session, tenant: Tenant) -> tuple[str, ...]:
    """Read what the scripts of a tenant's standing deploy noted on its master, oldest first."""
    node = session.cluster.nodes[tenant.placement.master or ""]
    paths, names = session.inventory.paths, session.inventory.names
    checkout = f"{paths.deploy}/{tenant.application.name}-{tenant.deploy_id}"
    # find, because a script that did not run has noted nothing, which is no error
    command = ["find", checkout, "-maxdepth", "1", "-name", _NOTES, "-exec", "cat", "{}", "+"]
    done = node.engine.run(names.consul, command)
    if done.exit_code != 0:
        raise NodeError(node.engine.node, f"{checkout}: {done.stderr.strip()}")
    return tuple(done.stdout.splitlines())
