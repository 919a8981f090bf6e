"""The connections to a cluster under test: all readers of nodes and Consul, and all listeners."""

from __future__ import annotations

import contextlib
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Any, Self

from cluster_tests.cluster.observing import CALLS_OF_CONSUL, CALLS_PER_NODE, Node
from cluster_tests.consul.store import ConsulStore
from cluster_tests.consul.watch import FLAGS, RECORDS, WATCHED, Answer, ConsulWatch
from cluster_tests.nodes.engine_events import EngineEvents
from cluster_tests.nodes.node import Engine
from cluster_tests.nodes.probe import COMMAND, Probe
from cluster_tests.waiting.side_by_side import side_by_side
from cluster_tests.waiting.signals import Sources
from cluster_tests.waiting.waiter import Bell
from cluster_tests.way import UNBROKEN

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from contextlib import AbstractContextManager
    from pathlib import Path
    from types import TracebackType

    from cluster_tests.effort import Effort
    from cluster_tests.inventory.entries import Inventory
    from cluster_tests.model import Application
    from cluster_tests.waiting.signals import Hearer
    from cluster_tests.way import Way


class Connected:
    """All nodes and Consul, through forwards that somebody else keeps open."""

    def __init__(
        self,
        inventory: Inventory,
        sockets: Mapping[str, Path],
        consul: tuple[str, int],
        effort: Effort,
        ways: Mapping[str, Way] | None = None,
    ) -> None:
        """Reach each node's engine at its socket, and Consul at host and port of ``consul``.

        ``effort`` is told how long the cluster is waited for; ``ways`` tells by node when the way
        there broke; Consul is reached on the first node's.
        """
        self.inventory = inventory
        self.effort = effort
        self.bell = Bell()
        self._ways = ways or {}
        way = self._ways.get(inventory.node_names[0], UNBROKEN)
        self.consul = ConsulStore(*consul, inventory.deadlines.answer, way)
        self.nodes = {name: self._node(name, sockets[name]) for name in inventory.nodes}
        watches = [ConsulWatch(self.consul, path, self.bell) for path in WATCHED]
        self._records, self._flags = (watches[WATCHED.index(path)] for path in (RECORDS, FLAGS))
        events = [EngineEvents(node.engine, self.bell) for node in self.nodes.values()]
        probes = [node.probe for node in self.nodes.values()]
        self._sources = Sources([*watches, *events, *probes])
        self._executor = ThreadPoolExecutor(
            max_workers=len(self.nodes) * CALLS_PER_NODE + CALLS_OF_CONSUL,
            thread_name_prefix="look",
        )

    def _node(self, name: str, socket_path: Path) -> Node:
        way = self._ways.get(name, UNBROKEN)
        engine = Engine(name, socket_path, self.inventory.deadlines.answer, way)
        start = partial(engine.start, self.inventory.names.consul, COMMAND)
        return Node(engine, Probe(name, self.inventory, self.bell, start, way))

    def open(self) -> Self:
        """Connect, check the infrastructure, begin to listen.

        Raises ``HarnessError`` with everything that does not answer: Consul without a leader,
        engines that are stopped, infrastructure containers that do not run, volume plugins.
        """
        try:
            checks: dict[str, Callable[[], object]] = {"consul": self.consul.require_leader}
            for name, node in self.nodes.items():
                checks[name] = partial(self._open_node, node)
            side_by_side(self._executor, checks)
            self._sources.open(self._executor)
            plugins = {name: node.probe.require_plugin for name, node in self.nodes.items()}
            side_by_side(self._executor, plugins)
        except BaseException:
            self.close()
            raise
        return self

    def _open_node(self, node: Node) -> None:
        node.engine.open()
        node.engine.require_running(self.inventory.names.containers)

    def overheard(self, hear: Hearer) -> AbstractContextManager[None]:
        """Let ``hear`` know what all sources hear, for as long as this is open."""
        return self._sources.overheard(hear)

    def hears_of_maintenance(self, application: Application) -> bool:
        """Tell whether the maintenance flag was up when the cluster was heard of last.

        Not any more once the record was written after it: the application is about to come back.
        That asks nobody. While the way to Consul is broken it may be old.
        """
        flag = _shown(self._flags, application.maintenance_key)
        if flag is None:
            return False
        record = _shown(self._records, application.record_key)
        return record is None or int(record["ModifyIndex"]) < int(flag["CreateIndex"])

    def close(self) -> None:
        """Stop listening and drop all connections, whatever fails on the way."""
        with contextlib.ExitStack() as stack:
            stack.callback(self._executor.shutdown)
            stack.callback(self.consul.close)
            for node in self.nodes.values():
                stack.callback(node.engine.close)
            stack.callback(self._sources.close)

    def __enter__(self) -> Self:
        """Open."""
        return self.open()

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close."""
        self.close()


def _shown(watch: ConsulWatch, key: str) -> dict[str, Any] | None:
    """Give what a watch of the KV heard of ``key`` last; None for nothing."""
    items = watch.told.items if isinstance(watch.told, Answer) else []
    return next((item for item in items if item["Key"] == key), None)
