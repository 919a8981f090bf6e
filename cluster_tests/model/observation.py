"""What a cluster shows of one application."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, order=True)
class Container:
    """A container of the application on one node."""

    service: str
    name: str
    state: str
    image: str


@dataclass(frozen=True, order=True)
class Volume:
    """A Docker volume of the application on one node, with its full name."""

    name: str
    driver: str
    labels: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, order=True)
class Schedule:
    """A job of the volume plugin: ``purge:<pattern>``, ``replicate:<address>`` or ``snapshot``."""

    volume: str
    action: str
    minutes: int
    active: bool = True


@dataclass(frozen=True, order=True)
class Route:
    """Where one node's HAProxy sends a domain, or a port that goes past Caddy.

    ``front`` is the frontend's name, which is for people alone: the contract leaves it to the
    cluster, so it takes no part in comparisons. ``bind`` holds the ports (or ``address:port``
    where the front is not on all addresses), ``match`` the domain (empty: everything that
    arrives), ``server`` the target as ``address:port``.
    """

    front: str = field(compare=False)
    mode: str
    bind: tuple[str, ...]
    match: str
    server: str


@dataclass(frozen=True, order=True)
class Site:
    """A domain that one node's Caddy answers: with an upstream, or with the maintenance page."""

    domain: str
    upstream: str


@dataclass(frozen=True)
class NodeView:
    """Everything one node shows of one application."""

    containers: frozenset[Container] = frozenset()
    volumes: frozenset[Volume] = frozenset()
    btrfs_volumes: frozenset[str] = frozenset()
    snapshots: frozenset[str] = frozenset()
    schedules: frozenset[Schedule] = frozenset()
    checkouts: frozenset[str] = frozenset()
    routes: frozenset[Route] = frozenset()
    sites: frozenset[Site] = frozenset()


@dataclass(frozen=True, order=True)
class Check:
    """A health check of a Consul service: what it asks, and its status."""

    target: str
    status: str


@dataclass(frozen=True, order=True)
class Registration:
    """The application's Consul service as one node's agent registered it."""

    node: str
    checks: tuple[Check, ...]


@dataclass(frozen=True)
class Observation:
    """Everything the cluster shows of one application, read from all nodes and Consul at once."""

    nodes: Mapping[str, NodeView]
    record: Mapping[str, object] | None = None
    maintenance: bool = False
    registrations: frozenset[Registration] = field(default_factory=frozenset)

    def __post_init__(self) -> None:
        """Freeze the mapping that came in."""
        object.__setattr__(self, "nodes", MappingProxyType(dict(self.nodes)))
