"""What is forwarded from which node, and where it came out here."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cluster_tests.errors import UsageError
from cluster_tests.session.access import (
    by_node,
    consul_forward,
    consul_socket_forward,
    engine_forward,
    sockets_directory,
    target_of,
)
from tunnels import TcpForward, TunnelGroup
from tunnels.errors import GroupError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from cluster_tests.inventory.entries import Inventory
    from tunnels import Forward, Tunnel

ENGINE, CONSUL = "engine", "consul"
HTTP, HTTPS = "http front", "https front"


@dataclass(frozen=True)
class Wanted:
    """Which forwards: from the nodes ``only`` names (all if none), Consul's from ``node``."""

    only: tuple[str, ...] = ()
    node: str = ""
    consul_socket: bool = False
    fronts: bool = False


@dataclass(frozen=True)
class Outlet:
    """One thing that can be reached here: on ``node``, called ``what``, at ``address``.

    ``forward`` is None for a front that the inventory reaches without a tunnel.
    """

    node: str
    what: str
    address: Path | tuple[str, int]
    forward: Forward | None

    @property
    def url(self) -> str:
        """The address as Docker's and Consul's clients take it."""
        return f"{'unix' if isinstance(self.address, Path) else 'http'}://{self}"

    def __str__(self) -> str:
        """Print as a path, or as ``host:port``."""
        if isinstance(self.address, Path):
            return str(self.address)
        host, port = self.address
        return f"{host}:{port}"


@dataclass(frozen=True)
class Opened:
    """All ways into a cluster while they are open; ``chosen`` is the node that commands get."""

    cluster: str
    chosen: str
    tunnels: Mapping[str, Tunnel]
    outlets: Sequence[Outlet]

    def outlet(self, node: str, what: str) -> Outlet:
        """Find one of the outlets; it must have been asked for."""
        return next(outlet for outlet in self.outlets if (outlet.node, outlet.what) == (node, what))


@contextmanager
def opened(inventory: Inventory, wanted: Wanted) -> Iterator[Opened]:
    """Open everything ``wanted`` side by side, all or none; at the end nothing of it is left.

    Raises ``UsageError`` for a node that the inventory does not have, and ``HarnessError`` with
    every node that cannot be reached, or at the end not be closed.
    """
    nodes = _nodes(inventory, wanted)
    chosen = wanted.node or nodes[0]
    with sockets_directory() as directory:
        planned = {
            node: _forwards(inventory, node, Path(directory), wanted, consul=node == chosen)
            for node in nodes
        }
        plan = {
            node: (target_of(inventory, node), list(forwards.values()))
            for node, forwards in planned.items()
        }
        try:
            with TunnelGroup(plan) as group:
                outlets = [
                    Outlet(node, what, group[node].addresses[forward], forward)
                    for node, forwards in planned.items()
                    for what, forward in forwards.items()
                ]
                direct = _direct_fronts(inventory, nodes) if wanted.fronts else []
                yield Opened(inventory.name, chosen, group, [*outlets, *direct])
        except GroupError as error:
            raise by_node(error) from error


def _nodes(inventory: Inventory, wanted: Wanted) -> tuple[str, ...]:
    nodes = tuple(dict.fromkeys(wanted.only)) or inventory.node_names
    for node in (*nodes, *filter(None, [wanted.node])):
        inventory.require_node(node)
    if wanted.node and wanted.node not in nodes:
        raise UsageError(f"--node {wanted.node} is not among those of --only")
    return nodes


def _forwards(
    inventory: Inventory, node: str, directory: Path, wanted: Wanted, *, consul: bool
) -> dict[str, Forward]:
    forwards: dict[str, Forward] = {ENGINE: engine_forward(node, directory)}
    if consul:
        forwards[CONSUL] = (
            consul_socket_forward(inventory, directory)
            if wanted.consul_socket
            else consul_forward(inventory)
        )
    entry = inventory.nodes[node]
    if wanted.fronts and entry.front == "tunnel":
        forwards |= {
            what: TcpForward(entry.address, port) for what, port in _ports(inventory).items()
        }
    return forwards


def _direct_fronts(inventory: Inventory, nodes: Sequence[str]) -> list[Outlet]:
    return [
        Outlet(node, what, (inventory.address_of(node), port), None)
        for node in nodes
        if inventory.nodes[node].front == "direct"
        for what, port in _ports(inventory).items()
    ]


def _ports(inventory: Inventory) -> dict[str, int]:
    return {HTTP: inventory.fronts.http.port, HTTPS: inventory.fronts.https.port}
