"""The cluster under test: ask it for a placement, wait until it has settled, look at it."""

from __future__ import annotations

from cluster_tests.cluster.changing import Changing
from cluster_tests.cluster.settling import Settling


class Cluster(Changing, Settling):
    """All that can be done with one cluster, over one set of connections."""
