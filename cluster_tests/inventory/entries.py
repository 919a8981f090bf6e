"""The inventory: which cluster is under test, how to reach it, and what is called what there.

A file says only what differs from the contract (docs/contract.md): the fields below hold the
contract's names and numbers as their defaults. ``inventory_file`` loads and checks one.
"""

from __future__ import annotations

from collections.abc import Mapping  # noqa: TC003 - pydantic resolves annotations at run time
from pathlib import PurePosixPath
from types import MappingProxyType
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, PlainValidator

from cluster_tests.errors import RefusedError, UsageError
from cluster_tests.inventory.budgets import read_budgets
from cluster_tests.inventory.ssh_access import SshAccess  # noqa: TC001 - pydantic, as above
from cluster_tests.inventory.values import (
    LocalFile,
    Minutes,
    Name,
    NodeName,
    Port,
    PortRange,
    PrivateFile,
    RemotePath,
    Seconds,
    Section,
    Url,
)
from cluster_tests.model import Kind  # noqa: TC001 - pydantic, as above


class KeyAccess(Section):
    """Key and known hosts for an ssh URL, which names host and user itself."""

    identity_file: PrivateFile
    known_hosts: LocalFile


class NodeEntry(Section):
    """One node: ``address`` is what the other nodes call it."""

    address: Name
    ssh: SshAccess
    front: Literal["tunnel", "direct"] = "tunnel"


class Consul(Section):
    """Consul's HTTP API, on every node's loopback."""

    port: Port = 8500


class Forge(Section):
    """Git server and image registry that serve the services to the nodes."""

    fetch_url: Url
    push_url: Url
    registry: Name
    ssh: KeyAccess | None = None

    @property
    def fetch_url_over_ssh(self) -> str:
        """Base URL the nodes clone from over ssh: ``push_url`` as it reads from within.

        The user and the directory are the same from either side; the port that ``push_url`` may
        name is this machine's way in.
        """
        pushed = urlsplit(self.push_url)
        user = f"{pushed.username}@" if pushed.username else ""
        return f"ssh://{user}{urlsplit(self.fetch_url).hostname}{pushed.path}"


class Names(Section):
    """What things are called on every node.

    ``project`` is the infrastructure's compose project; ``handler`` a regular expression for the
    command lines of the processes that handle an event; ``delivery`` the command that Consul's
    watch starts with the events on its stdin.
    """

    project: Name = "cluster"
    consul: Name = "cluster_consul_1"
    haproxy: Name = "cluster_haproxy_1"
    caddy: Name = "cluster_caddy_1"
    network: Name = "cluster_default"
    volume_driver: Name = "anybox/buttervolume:latest"
    handler: Name = "switch-agent handle"
    delivery: Name = "switch-agent handle"

    @property
    def containers(self) -> tuple[str, ...]:
        """The infrastructure containers that every node runs."""
        return (self.consul, self.haproxy, self.caddy)


class Paths(Section):
    """Where things are: on the node, or inside the container that the name tells."""

    deploy: RemotePath = PurePosixPath("/deploy")
    events_log: RemotePath = PurePosixPath("/deploy/events.log")
    handler_log: RemotePath = PurePosixPath("/deploy/handler.log")
    btrfs: RemotePath = PurePosixPath("/var/lib/buttervolume")
    haproxy_config: RemotePath = PurePosixPath("/etc/haproxy/haproxy.cfg")
    caddy_config: RemotePath = PurePosixPath("/config/caddy/autosave.json")
    # On the node; where nothing writes its engine's log into a file, evidence goes without it.
    engine_log: RemotePath | None = None


class SharedFront(Section):
    """A front that all applications share, by its name in ``HAPROXY`` and its port."""

    name: Name
    port: Port


class Fronts(Section):
    """The shared fronts: HTTP by Host, HTTPS passed through by SNI."""

    http: SharedFront = SharedFront(name="http-in", port=80)
    https: SharedFront = SharedFront(name="https-in", port=443)


class Applications(Section):
    """A domain and a port for each application that the suite publishes."""

    domain: Name = "cluster.test"
    ports: PortRange = range(2200, 2232)


class Schedules(Section):
    """The volume plugin's jobs, and the port at which it takes other nodes' snapshots."""

    purge_pattern: Name = "1h:1d:1w:4w:1y"
    purge_minutes: Minutes = 1440
    replicate_minutes: Minutes = 60
    snapshot_minutes: Minutes = 60
    transfer_port: Port = 1122


class Deadlines(Section):
    """How long the suite waits, in seconds: for a switch, a connection, one answer."""

    settle: Seconds = 60
    connect: Seconds = 10
    answer: Seconds = 10


class Inventory(Section):
    """One cluster, as its file says."""

    name: Name
    may_change: bool = False
    version: str = ""  # of what is under test, for the reports; "" is: not told
    nodes: Annotated[
        Mapping[NodeName, NodeEntry], Field(min_length=2), AfterValidator(MappingProxyType)
    ]
    forge: Forge
    consul: Consul = Consul()
    names: Names = Names()
    paths: Paths = Paths()
    fronts: Fronts = Fronts()
    applications: Applications = Applications()
    schedules: Schedules = Schedules()
    deadlines: Deadlines = Deadlines()
    budgets: Annotated[Mapping[Kind, float], PlainValidator(read_budgets)] = Field(
        default_factory=lambda: read_budgets({})
    )

    @property
    def node_names(self) -> tuple[str, ...]:
        """The nodes in the file's order."""
        return tuple(self.nodes)

    def address_of(self, node: str) -> str:
        """Tell what the other nodes call ``node``."""
        return self.nodes[node].address

    def require_node(self, name: str) -> None:
        """Raise ``UsageError`` unless there is a node of that name."""
        if name not in self.nodes:
            raise UsageError(
                f"the inventory has no node {name!r}", remedy=f"one of: {', '.join(self.nodes)}"
            )

    def require_may_change(self, what: str) -> None:
        """Raise ``RefusedError`` unless the file lets the suite change this cluster."""
        if not self.may_change:
            raise RefusedError(
                f"{what}: the inventory of cluster {self.name} does not allow changes",
                remedy="if it is a test cluster, write 'may_change: true' into its inventory",
            )


def repeated_addresses(nodes: Any) -> list[tuple[str, str, str]]:  # noqa: ANN401 - raw YAML
    """List ``(node, earlier node, address)`` for each address that occurs again.

    Works on what the file holds, so that it is reported next to what pydantic refuses.
    """
    seen: dict[str, str] = {}
    repeated: list[tuple[str, str, str]] = []
    for name, entry in nodes.items() if isinstance(nodes, dict) else ():
        address = entry.get("address") if isinstance(entry, dict) else None
        if isinstance(address, str) and address in seen:
            repeated.append((str(name), seen[address], address))
        elif isinstance(address, str):
            seen[address] = str(name)
    return repeated
