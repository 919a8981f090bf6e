"""Echoes: applications that are quick to deploy, one or several, with the requests made of them."""

from __future__ import annotations

import secrets
from functools import partial
from typing import TYPE_CHECKING

from cluster_tests import current
from cluster_tests.echo import Echo
from cluster_tests.errors import ClusterTestsError, FrontError
from cluster_tests.givens import AnApplication
from cluster_tests.model import NOWHERE
from cluster_tests.plugin.interrupts import interrupts
from cluster_tests.tenant import Tenant

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from cluster_tests.echo import Shown
    from cluster_tests.model import Placement
    from cluster_tests.session import Session

FRONT = "bound to {}"


def echoes_of(session: Session, tenant: Tenant) -> dict[str, Echo]:
    """Reach a published echo through every node."""
    publication = tenant.publication
    domain, version = publication.domain, publication.application.branch
    return {node: Echo(front, domain, version) for node, front in session.fronts().items()}
