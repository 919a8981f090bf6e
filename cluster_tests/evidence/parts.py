"""What is read of whom when something failed: thin calls on the readers, as text."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from cluster_tests.nodes.handler_log import entries
from cluster_tests.nodes.inspecting import (
    application_log,
    container_log,
    described_containers,
    described_volumes,
    end_of_file,
    processes,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from cluster_tests.cluster.cluster import Cluster
    from cluster_tests.cluster.observing import Node
    from cluster_tests.inventory.entries import Inventory
    from cluster_tests.model import Application
    from cluster_tests.nodes.handler_log import Entry

CONSUL = "consul"
# Lines of a handler's log that are searched for those since the spec began.
_HANDLER_LINES = 4000


@dataclass(frozen=True)
class Part:
    """One file of the evidence: of which node (or Consul), called what, and how to read it."""

    where: str
    name: str
    read: Callable[[], str]

    @property
    def path(self) -> str:
        """Where the file is, below the evidence's directory."""
        return f"{self.where}/{self.name}"


def parts(cluster: Cluster, inventory: Inventory, since: float) -> Iterator[Part]:
    """Yield what nodes and Consul tell of themselves since then (seconds since 1970)."""
    for name, node in cluster.nodes.items():
        yield from _logs(inventory, name, node, since)
        yield from _loaded(inventory, name, node)
        yield from _state(inventory, name, node)
    yield Part(CONSUL, "kv.json", lambda: _json(cluster.consul.everything()))
    yield Part(CONSUL, "members.txt", lambda: "\n".join(map(str, cluster.consul.members())))


def parts_of(cluster: Cluster, application: Application, since: float) -> Iterator[Part]:
    """Yield what nodes and Consul tell of one application since then (seconds since 1970)."""
    for name, node in cluster.nodes.items():
        yield from _lives(name, node, application, since)
    yield Part(
        CONSUL,
        "checks.txt",
        lambda: "\n".join(map(str, sorted(cluster.consul.registrations(application)))),
    )


def _logs(inventory: Inventory, name: str, node: Node, since: float) -> Iterator[Part]:
    yield Part(name, "handler.log", lambda: _since(node.probe.log(_HANDLER_LINES), since))
    containers = {
        "consul": inventory.names.consul,
        "haproxy": inventory.names.haproxy,
        "caddy": inventory.names.caddy,
    }
    for what, container in containers.items():
        yield Part(name, f"{what}.log", partial(container_log, node.engine, container, since))
    if inventory.paths.engine_log is not None:
        like, path = inventory.names.consul, inventory.paths.engine_log
        yield Part(name, "engine.log", partial(end_of_file, node.engine, like, path))


def _loaded(inventory: Inventory, name: str, node: Node) -> Iterator[Part]:
    names, paths, engine = inventory.names, inventory.paths, node.engine
    yield Part(
        name,
        "haproxy.cfg",
        lambda: engine.read_file(names.haproxy, paths.haproxy_config).decode(errors="replace"),
    )
    yield Part(
        name,
        "caddy.json",
        lambda: engine.read_file(names.caddy, paths.caddy_config).decode(errors="replace"),
    )


def _state(inventory: Inventory, name: str, node: Node) -> Iterator[Part]:
    engine, like = node.engine, inventory.names.consul
    yield Part(name, "processes.txt", partial(processes, engine))
    yield Part(name, "disk.txt", lambda: engine.run(like, ["df"]).stdout)


def _lives(name: str, node: Node, application: Application, since: float) -> Iterator[Part]:
    engine = node.engine
    yield Part(name, "containers.json", lambda: _json(described_containers(engine, application)))
    yield Part(name, "containers.log", partial(application_log, engine, application, since))
    yield Part(name, "volumes.json", lambda: _json(described_volumes(engine, application)))
    yield Part(name, "btrfs.json", lambda: _json(node.probe.observed(application)))


def _since(lines: list[str], since: float) -> str:
    """Keep the lines from that time on; those without a time belong to the line before."""
    begun = (
        n for n, line in enumerate(lines) if any(_at(entry) >= since for entry in entries([line]))
    )
    return "\n".join(lines[next(begun, len(lines)) :])


def _at(entry: Entry) -> float:
    return 0.0 if entry.at is None else entry.at


def _json(value: Any) -> str:  # noqa: ANN401 - JSON's types
    return json.dumps(value, indent=1, sort_keys=True)
