"""The oracle: what must be true of an application once the cluster has settled.

Everything follows from docs/contract.md, "What is true once a deploy has settled" and "Routing".
Nothing here looks at a cluster. What the contract leaves to the cluster is not expected but left
out of the comparison; ``comparison`` lists it, with the reasons.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cluster_tests.expectation.question import Question, binds_of
from cluster_tests.expectation.record import expected_record
from cluster_tests.model import (
    Check,
    Container,
    NodeView,
    Observation,
    Registration,
    Role,
    Route,
    Schedule,
    Site,
    Volume,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


# A site that answers by itself, with whatever status.
ITSELF = "itself"


@dataclass(frozen=True)
class Expectation(Question):
    """What one application must look like, on all nodes and in Consul."""

    def observation(self, names: Mapping[str, str] | None = None) -> Observation:
        """Everything that must be observed; ``names`` are the containers' names by service.

        The contract leaves the names to the cluster, but all places must agree on them: they are
        taken from the containers that run, and expected everywhere else.
        """
        named = _Names(names or {})
        nodes = {node: self._view(node, named) for node in self.inventory.nodes}
        if self.placement.master is None:
            return Observation(nodes)
        return Observation(
            nodes, record=expected_record(self, named), registrations=self.registrations
        )

    @property
    def registrations(self) -> frozenset[Registration]:
        """The application's service in Consul: the master's alone, with the checks declared."""
        master = self.placement.master
        if master is None:
            return frozenset()
        checks = tuple(Check(url, "passing") for url in self.definition.check_urls)
        return frozenset({Registration(master, checks)})

    def _view(self, node: str, names: Mapping[str, str]) -> NodeView:
        role = self.placement.role_of(node)
        if role is Role.MASTER:
            return NodeView(
                containers=frozenset(self._containers(names)),
                volumes=frozenset(self._volumes()),
                btrfs_volumes=self.btrfs_volumes,
                snapshots=self.snapshots_of(node),
                schedules=frozenset(self._schedules(role)),
                checkouts=frozenset({self._checkout}),
                routes=frozenset(self._routes(node, names)),
                sites=frozenset(self._sites(names)),
            )
        return NodeView(
            snapshots=self.snapshots_of(node),
            schedules=frozenset(self._schedules(role)),
            checkouts=frozenset({self._checkout} if role is Role.SLAVE else ()),
            routes=frozenset(self._routes(node, names)),
        )

    # --- containers, volumes, checkouts

    @property
    def _checkout(self) -> str:
        return f"{self.application.name}-{self.history.event_id}"

    def _containers(self, names: Mapping[str, str]) -> Iterator[Container]:
        for service in self.definition.services:
            yield Container(service.name, names[service.name], "running", service.image)

    def _volumes(self) -> Iterator[Volume]:
        for volume in self.definition.volumes:
            name = self.application.volume_prefix + volume.name
            yield Volume(name, volume.driver, tuple(sorted(volume.labels)))

    # --- replication

    def _schedules(self, role: Role) -> Iterator[Schedule]:
        jobs = self.inventory.schedules
        for volume in sorted(self.btrfs_volumes) if role is not Role.NONE else ():
            yield Schedule(volume, f"purge:{jobs.purge_pattern}", jobs.purge_minutes)
            if role is Role.MASTER:
                yield self._copying(volume)

    def _copying(self, volume: str) -> Schedule:
        jobs, slave = self.inventory.schedules, self.placement.slave
        if slave is None:
            return Schedule(volume, "snapshot", jobs.snapshot_minutes)
        target = self.inventory.address_of(slave)
        return Schedule(volume, f"replicate:{target}", jobs.replicate_minutes)

    def snapshots_of(self, node: str) -> frozenset[str]:
        """List the volumes of which ``node`` must hold a snapshot, at least.

        The old master takes one of each volume whatever becomes of it; a new master on another
        node received one of each that it had to restore. Nothing can be said of anybody else: the
        next replication may be an hour away, and old snapshots may remain.
        """
        old_master, new_master = self.history.before.master, self.placement.master
        old = frozenset(self.btrfs_volumes_of(self.history.old))
        if old_master is None:
            return frozenset()
        if node == old_master:
            return old
        return old & self.btrfs_volumes if node == new_master else frozenset()

    # --- routing

    def _routes(self, node: str, names: Mapping[str, str]) -> Iterator[Route]:
        master = self.placement.master
        if master is None:
            return
        fronts = self.inventory.fronts
        host = self.inventory.names.caddy if node == master else self.inventory.address_of(master)
        for domain in self.definition.domains:
            for front, mode in ((fronts.http, "http"), (fronts.https, "tcp")):
                port = str(front.port)
                yield Route(front.name, mode, (port,), domain, f"{host}:{port}")
        for entry in self.definition.fronts:
            local = f"{names[entry.service]}:{entry.port}"
            remote = f"{self.inventory.address_of(master)}:{entry.peer_port}"
            yield Route(
                entry.front,
                entry.mode,
                binds_of(entry, self.inventory),
                entry.match.lower(),
                local if node == master else remote,
            )

    def _sites(self, names: Mapping[str, str]) -> Iterator[Site]:
        for site in self.definition.sites:
            upstream = ITSELF if site.port is None else f"{names[site.service]}:{site.port}"
            yield Site(site.domain.lower(), upstream)


class _Names(dict[str, str]):
    """Container names by service; one that is not known prints as what it stands for."""

    def __missing__(self, service: str) -> str:
        return f"<container of {service}>"
