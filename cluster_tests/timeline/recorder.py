"""Records one switch: listens while it goes, compares clocks meanwhile, reads the logs after it.

What can be asked while the cluster works costs no time then.
"""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING, Any, Self, TypeVar

from cluster_tests.consul.watch import Answer, ConsulWatch
from cluster_tests.errors import HarnessError
from cluster_tests.nodes.engine_events import EngineEvents
from cluster_tests.results.values import Event
from cluster_tests.timeline.agents import agent_events
from cluster_tests.timeline.clocks import Offset, measure
from cluster_tests.timeline.consul_changes import consul_events
from cluster_tests.timeline.engines import engine_events
from cluster_tests.timeline.layers import Layer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from types import TracebackType

    from cluster_tests.cluster.cluster import Cluster
    from cluster_tests.model import Application
    from cluster_tests.waiting.signals import Source

# Below the flags, and nobody's; put and deleted, so that Consul keeps a tombstone there.
_ANCHOR = "maintenance/recorder.cluster-tests"
_LINES = 500  # of each node's log that are searched
T = TypeVar("T")


class Recorder:
    """Listens while it is open; ``events`` then tells what happened.

    What is recorded decides no verdict: a node that cannot be asked is told as an event.
    """

    def __init__(self, cluster: Cluster, application: Application) -> None:
        """Record what concerns ``application``."""
        self._cluster = cluster
        self._application = application
        self._answers: list[tuple[str, float, Answer]] = []
        self._docker: list[tuple[str, Mapping[str, Any]]] = []
        self._listening = ExitStack()
        # By node: where its log ended at the beginning, and how far its clock is from ours.
        self._begins: dict[str, int | HarnessError] = {}
        self._clocks: dict[str, Future[Offset | HarnessError]] = {}

    def __enter__(self) -> Self:
        """Begin to listen; who is interrupted here listens no more."""
        # The flags' index counts for them alone as long as there is a tombstone among them.
        self._cluster.consul.leave_tombstone(_ANCHOR)
        with ExitStack() as listening:
            listening.enter_context(self._cluster.overheard(self._hear))
            probes = {name: node.probe for name, node in self._cluster.nodes.items()}
            executor = listening.enter_context(ThreadPoolExecutor(len(probes), "clocks"))
            begins = executor.map(lambda probe: _or_error(probe.log_size), probes.values())
            self._begins = dict(zip(probes, begins, strict=True))
            for name, probe in probes.items():
                self._clocks[name] = executor.submit(_or_error, partial(measure, probe.clock))
            self._listening = listening.pop_all()
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        """Listen no more."""
        self._listening.close()

    def _hear(self, source: Source, at: float, what: object) -> None:
        # Only kept here: whoever listens must not be held up.
        if isinstance(source, ConsulWatch) and isinstance(what, Answer):
            self._answers.append((source.watched, at, what))
        elif isinstance(source, EngineEvents) and isinstance(what, dict):
            self._docker.append((source.node, what))

    def events(self, event_id: str, since: float) -> Iterator[Event]:
        """Yield what happened ``since`` (seconds since 1970), in no order."""
        with ThreadPoolExecutor(len(self._cluster.nodes), "timeline") as executor:
            asked = list(executor.map(self._ask, self._cluster.nodes))
        offsets: dict[str, Offset] = {}
        for node, told in zip(self._cluster.nodes, asked, strict=True):
            if isinstance(told, HarnessError):
                what = f"cannot be asked: {told.message}"
                yield Event(since, Layer.AGENT, what, node, failed=True)
                continue
            offsets[node], lines = told
            yield Event(since, Layer.AGENT, f"its clock is ahead by {offsets[node]}", node)
            yield from agent_events(node, lines, event_id, offsets[node], since)
        docker = [(node, item) for node, item in self._docker if node in offsets]
        names = self._cluster.inventory.names
        yield from engine_events(docker, self._application, names, offsets, since)
        changes = consul_events(self._answers, self._application)
        yield from (event for event in changes if event.at >= since)

    def _ask(self, name: str) -> tuple[Offset, list[str]] | HarnessError:
        probe = self._cluster.nodes[name].probe
        clock = self._clocks[name].result() if name in self._clocks else None
        begin = self._begins.get(name)
        try:
            # What nobody asked before, or in vain, is asked now: the way may be back.
            offset = clock if isinstance(clock, Offset) else measure(probe.clock)
            return offset, probe.log(_LINES, begin if isinstance(begin, int) else 0)
        except HarnessError as error:
            return error


def _or_error(ask: Callable[[], T]) -> T | HarnessError:
    try:
        return ask()
    except HarnessError as error:
        return error
