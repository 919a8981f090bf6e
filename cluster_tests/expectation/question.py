"""What the oracle is asked: which application, of which version, has been asked where to.

What follows from that alone is told here too: names, and by what the traces are found.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cluster_tests.model import NOWHERE, Footprint, Placement, ServiceDefinition
from cluster_tests.proxies.haproxy_config import normal_binds

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cluster_tests.inventory.entries import Inventory
    from cluster_tests.model import Application, FrontDefinition


@dataclass(frozen=True)
class History:
    """What happened before, as far as the settled state shows it.

    ``event_id`` is the event that asked for the placement; ``before`` and ``old`` are placement
    and definition when it came, ``previous_deploy_id`` the deploy in the record then.
    """

    event_id: str
    before: Placement = NOWHERE
    old: ServiceDefinition | None = None
    previous_deploy_id: str | None = None


@dataclass(frozen=True)
class Question:
    """One application: what it declares, where it was asked to be, and what happened before."""

    application: Application
    definition: ServiceDefinition
    placement: Placement
    history: History
    inventory: Inventory

    @property
    def footprint(self) -> Footprint:
        """By what the application's traces are told, the old version's included."""
        return footprint(self.application, self.definition, self.history.old)

    @property
    def btrfs_volumes(self) -> frozenset[str]:
        """The full names of the volumes that move with the application."""
        return frozenset(self.btrfs_volumes_of(self.definition))

    def btrfs_volumes_of(self, definition: ServiceDefinition | None) -> Iterator[str]:
        """Give the full names that another version's volumes have; none of no version."""
        for volume in (
            definition.volumes_on(self.inventory.names.volume_driver) if definition else ()
        ):
            yield self.application.volume_prefix + volume.name


def binds_of(entry: FrontDefinition, inventory: Inventory) -> tuple[str, ...]:
    """Tell where a front listens; the shared ones where the inventory says."""
    for shared in (inventory.fronts.http, inventory.fronts.https):
        if entry.front == shared.name:
            return (str(shared.port),)
    return _own_binds(entry)


def _own_binds(entry: FrontDefinition) -> tuple[str, ...]:
    return tuple(sorted(normal_binds(entry.bind)))


def footprint(application: Application, *definitions: ServiceDefinition | None) -> Footprint:
    """Join the domains and own ports of all versions that may have left traces."""
    known = [definition for definition in definitions if definition is not None]
    fronts = [entry for definition in known for entry in definition.fronts]
    matched = {entry.match.lower() for entry in fronts if entry.match}
    sites = {domain.lower() for definition in known for domain in definition.domains}
    ports = {bind for entry in fronts for bind in _own_binds(entry)}
    return Footprint(application, frozenset(matched | sites), frozenset(ports))
