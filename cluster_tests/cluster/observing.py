"""One observation: all nodes and Consul read side by side."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from cluster_tests.model import NodeView, Observation
from cluster_tests.nodes.volumes import read_schedules
from cluster_tests.proxies.caddy import read_sites
from cluster_tests.proxies.haproxy import read_routes
from cluster_tests.waiting.side_by_side import side_by_side

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from concurrent.futures import Executor

    from cluster_tests.consul.store import ConsulStore
    from cluster_tests.inventory.entries import Inventory
    from cluster_tests.model import Footprint
    from cluster_tests.nodes.node import Engine
    from cluster_tests.nodes.probe import Probe

# Calls that an observation makes of each node at once, and of Consul.
CALLS_PER_NODE = 5
CALLS_OF_CONSUL = 3
_CONSUL = "consul"


@dataclass(frozen=True)
class Node:
    """One node's two readers."""

    engine: Engine
    probe: Probe


def observe(
    executor: Executor,
    inventory: Inventory,
    nodes: Mapping[str, Node],
    consul: ConsulStore,
    footprint: Footprint,
) -> Observation:
    """Read everything the cluster shows of one application.

    Raises the error of the one call that failed, or ``SeveralErrors`` with all of them.
    """
    calls: dict[tuple[str, str], Callable[[], Any]] = {}
    for name, node in nodes.items():
        for part, call in _calls_of_node(inventory, node, footprint):
            calls[name, part] = call
    for part, call in _calls_of_consul(consul, footprint):
        calls[_CONSUL, part] = call
    found = side_by_side(executor, calls)
    return Observation(
        nodes={name: _view(name, found) for name in nodes},
        record=found[_CONSUL, "record"],
        maintenance=found[_CONSUL, "maintenance"],
        registrations=found[_CONSUL, "registrations"],
    )


def _calls_of_node(
    inventory: Inventory, node: Node, footprint: Footprint
) -> Iterator[tuple[str, Callable[[], Any]]]:
    application, engine = footprint.application, node.engine
    names, paths = inventory.names, inventory.paths
    yield "containers", partial(engine.containers, application)
    yield "volumes", partial(engine.volumes, application)
    yield "probe", partial(node.probe.observed, application)
    yield (
        "routes",
        lambda: read_routes(
            engine.node, engine.read_file(names.haproxy, paths.haproxy_config), footprint
        ),
    )
    yield (
        "sites",
        lambda: read_sites(
            engine.node, engine.read_file(names.caddy, paths.caddy_config), footprint
        ),
    )


def _calls_of_consul(
    consul: ConsulStore, footprint: Footprint
) -> Iterator[tuple[str, Callable[[], Any]]]:
    application = footprint.application
    yield "record", partial(consul.record, application)
    yield "maintenance", partial(consul.in_maintenance, application)
    yield "registrations", partial(consul.registrations, application)


def _view(node: str, found: Mapping[tuple[str, str], Any]) -> NodeView:
    probed = found[node, "probe"]
    return NodeView(
        containers=found[node, "containers"],
        volumes=found[node, "volumes"],
        btrfs_volumes=frozenset(probed["btrfs_volumes"]),
        snapshots=frozenset(probed["snapshots"]),
        schedules=read_schedules(node, probed["schedules"]),
        checkouts=frozenset(probed["checkouts"]),
        routes=found[node, "routes"],
        sites=found[node, "sites"],
    )
