"""Frozen values that every room shares: placements, switches, and what a cluster shows.

Nothing here does I/O. Two observations, or an observation and the oracle's expectation, are
compared with ``==``; that is why everything is a frozen value with ordered or set-like fields.
"""

from __future__ import annotations

import hashlib
import itertools
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence


class Role(StrEnum):
    """What a node is to one application."""

    MASTER = "master"
    SLAVE = "slave"
    NONE = "none"


@dataclass(frozen=True, order=True)
class Placement:
    """Where an application is: nowhere, on a master, or on a master and a slave."""

    master: str | None = None
    slave: str | None = None

    def __post_init__(self) -> None:
        """Refuse what no cluster can have: a slave alone, or one node with both roles."""
        if self.slave is not None and self.master is None:
            raise ValueError(f"a slave ({self.slave}) needs a master")
        if self.slave is not None and self.slave == self.master:
            raise ValueError(f"{self.slave} cannot be master and slave at once")

    def role_of(self, node: str) -> Role:
        """Tell what ``node`` is in this placement."""
        if node == self.master:
            return Role.MASTER
        return Role.SLAVE if node == self.slave else Role.NONE

    def __str__(self) -> str:
        """Print as operators write it: ``core1/core2``, ``core1`` or ``nowhere``."""
        return "/".join(node for node in (self.master, self.slave) if node) or "nowhere"


NOWHERE = Placement()


class Kind(StrEnum):
    """The 19 kinds of switch that are left when the nodes' names do not matter.

    With m, s the old master and slave, and x, y nodes not in use before.
    """

    DEPLOY_ALONE = "deploy-alone"  # nowhere => x
    DEPLOY_PAIR = "deploy-pair"  # nowhere => x/y
    REDEPLOY_ALONE = "redeploy-alone"  # m => m
    MOVE_ALONE = "move-alone"  # m => x
    GAIN_SLAVE = "gain-slave"  # m => m/x
    HAND_OVER = "hand-over"  # m => x/m
    SPREAD = "spread"  # m => x/y
    DESTROY_ALONE = "destroy-alone"  # m => nowhere
    REDEPLOY_PAIR = "redeploy-pair"  # m/s => m/s
    SWAP = "swap"  # m/s => s/m
    KEEP_MASTER = "keep-master"  # m/s => m/x
    KEEP_SLAVE = "keep-slave"  # m/s => x/s
    MOVE_PAIR = "move-pair"  # m/s => x/y
    DEMOTE = "demote"  # m/s => x/m
    PROMOTE = "promote"  # m/s => s/x
    DROP_SLAVE = "drop-slave"  # m/s => m
    PROMOTE_ALONE = "promote-alone"  # m/s => s
    LEAVE_PAIR = "leave-pair"  # m/s => x
    DESTROY_PAIR = "destroy-pair"  # m/s => nowhere


# (old placement, new placement) written with the letters of Kind's comments.
_KINDS = {
    ("", "x"): Kind.DEPLOY_ALONE,
    ("", "xy"): Kind.DEPLOY_PAIR,
    ("m", "m"): Kind.REDEPLOY_ALONE,
    ("m", "x"): Kind.MOVE_ALONE,
    ("m", "mx"): Kind.GAIN_SLAVE,
    ("m", "xm"): Kind.HAND_OVER,
    ("m", "xy"): Kind.SPREAD,
    ("m", ""): Kind.DESTROY_ALONE,
    ("ms", "ms"): Kind.REDEPLOY_PAIR,
    ("ms", "sm"): Kind.SWAP,
    ("ms", "mx"): Kind.KEEP_MASTER,
    ("ms", "xs"): Kind.KEEP_SLAVE,
    ("ms", "xy"): Kind.MOVE_PAIR,
    ("ms", "xm"): Kind.DEMOTE,
    ("ms", "sx"): Kind.PROMOTE,
    ("ms", "m"): Kind.DROP_SLAVE,
    ("ms", "s"): Kind.PROMOTE_ALONE,
    ("ms", "x"): Kind.LEAVE_PAIR,
    ("ms", ""): Kind.DESTROY_PAIR,
}


@dataclass(frozen=True, order=True)
class Switch:
    """A placement before and one after; nowhere to nowhere is none."""

    before: Placement
    after: Placement

    def __post_init__(self) -> None:
        """Refuse the one pair that is no switch."""
        if self.before == self.after == NOWHERE:
            raise ValueError("from nowhere to nowhere is no switch")

    @property
    def kind(self) -> Kind:
        """The kind, found by writing both placements without the nodes' names."""
        letters = dict(zip(_nodes(self.before), "ms", strict=False))
        fresh = iter("xy")
        after = ""
        for node in _nodes(self.after):
            if node not in letters:
                letters[node] = next(fresh)
            after += letters[node]
        return _KINDS["ms"[: len(_nodes(self.before))], after]

    def __str__(self) -> str:
        """Print as ``core4/core2 => core1/core2``."""
        return f"{self.before} => {self.after}"


def _nodes(placement: Placement) -> list[str]:
    return [node for node in (placement.master, placement.slave) if node is not None]


def placements(nodes: Sequence[str]) -> list[Placement]:
    """List every placement on ``nodes``: 17 for four nodes, nowhere first."""
    alone = [Placement(node) for node in nodes]
    pairs = [Placement(*pair) for pair in itertools.permutations(nodes, 2)]
    return [NOWHERE, *alone, *pairs]


def switches(nodes: Sequence[str]) -> Iterator[Switch]:
    """Yield every switch between the placements on ``nodes``: 288 for four nodes."""
    for before, after in itertools.product(placements(nodes), repeat=2):
        if (before, after) != (NOWHERE, NOWHERE):
            yield Switch(before, after)


@dataclass(frozen=True)
class Application:
    """A repository and a branch, with every name the cluster derives from them.

    The rules are the cluster's contract (docs/contract.md, "An application").
    """

    repo_url: str
    branch: str

    @property
    def url(self) -> str:
        """The repository URL without surrounding blanks and a trailing ``.git``."""
        return self.repo_url.strip().removesuffix(".git")

    @property
    def name(self) -> str:
        """``<last path segment>_<branch>.<5 hex digits of the path's MD5>``."""
        path = urlsplit(self.url.lower()).path
        digest = hashlib.md5(path.encode(), usedforsecurity=False).hexdigest()
        return f"{path.rsplit('/', 1)[-1]}_{self.branch}.{digest[:5]}"

    @property
    def project(self) -> str:
        """The compose project: the name less every character outside ``a-z0-9``."""
        return "".join(c for c in self.name if c in "abcdefghijklmnopqrstuvwxyz0123456789")

    @property
    def volume_prefix(self) -> str:
        """What every volume's name starts with."""
        return f"{self.project}_"

    @property
    def record_key(self) -> str:
        """KV key of the application's record."""
        return f"app/{self.name}"

    @property
    def maintenance_key(self) -> str:
        """KV key that exists while the application is in maintenance."""
        return f"maintenance/{self.name}"

    def __str__(self) -> str:
        """Print the name, by which operators know it."""
        return self.name


# --- what a service's repository declares ---------------------------------------------------


@dataclass(frozen=True, order=True)
class ComposeService:
    """A service of the compose file; ``image`` is empty where the node builds it."""

    name: str
    image: str


@dataclass(frozen=True, order=True)
class VolumeDefinition:
    """A volume the compose file declares, by its short name (without the project's prefix)."""

    name: str
    driver: str = "local"
    labels: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, order=True)
class SiteDefinition:
    """An address that the service wants Caddy to answer, from its ``CADDYFILE``.

    ``port`` is the upstream's port in the service's own container; None where the site answers
    by itself. A site with several upstreams is several of these.
    """

    url: str
    domain: str
    service: str
    port: int | None


@dataclass(frozen=True, order=True)
class FrontDefinition:
    """A way past Caddy, from the service's ``HAPROXY``.

    ``match`` is the domain that selects it (empty: everything that arrives), ``port`` the
    container's port, ``peer_port`` the one at which other nodes ask the master's address.
    ``bind`` is empty for the shared fronts, whose ``frontend`` part the contract ignores.
    """

    front: str
    mode: str
    bind: tuple[str, ...]
    match: str
    backend: str
    service: str
    port: int
    peer_port: int


@dataclass(frozen=True)
class ServiceDefinition:
    """Everything a repository declares, as far as the cluster has to act on it."""

    services: tuple[ComposeService, ...]
    volumes: tuple[VolumeDefinition, ...] = ()
    sites: tuple[SiteDefinition, ...] = ()
    fronts: tuple[FrontDefinition, ...] = ()
    check_urls: tuple[str, ...] = ()

    @property
    def domains(self) -> tuple[str, ...]:
        """The domains of all sites, sorted, each once."""
        return tuple(sorted({site.domain for site in self.sites}))

    @property
    def urls(self) -> tuple[str, ...]:
        """The addresses of all sites, sorted, each once."""
        return tuple(sorted({site.url for site in self.sites}))

    def volumes_on(self, driver: str) -> tuple[VolumeDefinition, ...]:
        """List the volumes that ``driver`` keeps: with the btrfs driver, those that move."""
        return tuple(volume for volume in self.volumes if volume.driver == driver)

    def volumes_off(self, driver: str) -> tuple[VolumeDefinition, ...]:
        """List those of any other driver: with the btrfs driver, those that stay behind."""
        return tuple(volume for volume in self.volumes if volume.driver != driver)


# --- what a cluster shows of one application -----------------------------------------------


@dataclass(frozen=True)
class Footprint:
    """What tells an application's traces from those of others, where no label does.

    ``domains`` and ``ports`` are those of every definition it had: what an older version left
    behind must be found too. ``ports`` are HAProxy binds, written as ``normal_bind`` writes them.
    """

    application: Application
    domains: frozenset[str] = frozenset()
    ports: frozenset[str] = frozenset()

    def is_container(self, name: str) -> bool:
        """Tell whether a container's name is one of the application's: compose's, v1 or v2."""
        return name.startswith((f"{self.application.project}_", f"{self.application.project}-"))


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
