"""What specs of the infrastructure read: each node by itself, all of them, and the ways between."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from cluster_tests.foundation.facts import (
    LEAST_FREE_BYTES,
    LEAST_FREE_INODES,
    furthest_apart,
    read_facts,
)
from cluster_tests.foundation.transfers import ARRIVED, try_transfers
from cluster_tests.session import current
from cluster_tests.timeline.clocks import measure

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cluster_tests.foundation.facts import NodeFacts, Versions
    from cluster_tests.session.session import Session


__all__ = [  # the bounds are what the sentences compare with
    "LEAST_FREE_BYTES",
    "LEAST_FREE_INODES",
    "ANode",
    "ASender",
    "AllNodes",
    "AnInfrastructure",
    "node_names",
]


def node_names() -> tuple[str, ...]:
    """List the nodes of the cluster under test: the examples of what holds for each of them."""
    return current.session().inventory.node_names


class AnInfrastructure:
    """Given the cluster under test, with no application of ours."""

    _session: Session

    def given_the_cluster(self) -> None:
        """Reach every node: a node that cannot be reached is named here."""
        self._session = current.session()


class ANode(AnInfrastructure):
    """Given one node, which is the example."""

    node: str
    facts: NodeFacts
    infrastructure: frozenset[str]  # the containers that every node runs
    proxies: frozenset[str]  # those of them that reach the applications' containers
    nodes: frozenset[str]

    def _read(self, node: str) -> None:
        names = self._session.inventory.names
        self.node = node
        self.facts = read_facts(self._session.inventory, self._session.cluster.nodes[node].engine)
        self.infrastructure = frozenset(names.containers)
        self.proxies = frozenset({names.haproxy, names.caddy})
        self.nodes = frozenset(self._session.inventory.node_names)


class AllNodes(AnInfrastructure):
    """Given all nodes, to be compared with each other."""

    versions: Mapping[str, Versions]
    leaders: Mapping[str, str]
    clocks_apart: float

    def _read(self) -> None:
        session = self._session
        nodes = session.cluster.nodes
        facts = session.side_by_side(
            {
                name: partial(read_facts, session.inventory, node.engine)
                for name, node in nodes.items()
            }
        )
        clocks = session.side_by_side(
            {name: partial(measure, node.probe.clock) for name, node in nodes.items()}
        )
        self.versions = {node: each.versions for node, each in facts.items()}
        self.leaders = {node: each.leader for node, each in facts.items()}
        self.clocks_apart = furthest_apart(clocks)

    def _of(self, *fields: str) -> set[tuple[str, ...]]:
        """Give the distinct values of some versions; one is what a cluster should have."""
        assert len(self.versions) > 1, "there are no two nodes to compare"
        found = {tuple(getattr(each, name) for name in fields) for each in self.versions.values()}
        assert all(all(values) for values in found), f"a version is not told: {found}"
        return found


class ASender(AnInfrastructure):
    """Given one node that sends a snapshot to all others; which, is the example."""

    arrivals: Mapping[str, str]
    expected_arrivals: Mapping[str, str]

    def _send(self, sender: str) -> None:
        self.arrivals = try_transfers(self._session, sender)
        self.expected_arrivals = {node: ARRIVED for node in node_names() if node != sender}
