"""The cluster under test: ask it for a placement, wait until it has settled, look at it."""

from __future__ import annotations

import contextlib
import json
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from shlex import quote
from typing import TYPE_CHECKING, Self

from cluster_tests.cluster.observing import CALLS_OF_CONSUL, CALLS_PER_NODE, Node, observe
from cluster_tests.cluster.replication import replicate
from cluster_tests.consul.flag_history import ANCHOR, FlagRecorder
from cluster_tests.consul.store import ConsulStore
from cluster_tests.consul.watch import WATCHED, ConsulWatch
from cluster_tests.effort import last_word
from cluster_tests.errors import NodeError, NotSettledError
from cluster_tests.expectation.comparison import difference
from cluster_tests.expectation.record import footprint_of
from cluster_tests.nodes.engine_events import EngineEvents
from cluster_tests.nodes.handler_log import errors_of, lines_of
from cluster_tests.nodes.node import Engine
from cluster_tests.nodes.probe import COMMAND, Probe
from cluster_tests.waiting.side_by_side import side_by_side
from cluster_tests.waiting.signals import Sources
from cluster_tests.waiting.waiter import Bell, NotYet, Waited, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from pathlib import Path
    from types import TracebackType

    from cluster_tests.cluster.replication import Replicated
    from cluster_tests.expectation.oracle import Expectation
    from cluster_tests.inventory.entries import Inventory
    from cluster_tests.model import Application, Footprint, Observation, Placement
    from cluster_tests.nodes.probe import Handling

_LOG_LINES = 50
# More than any event is told with, even on a node that handles several at once.
_LINES_OF_AN_EVENT = 500
_LAST_LINES = 100  # of a log that are searched for an event's end


class Cluster:
    """All nodes and Consul, through forwards that somebody else keeps open."""

    def __init__(
        self, inventory: Inventory, sockets: Mapping[str, Path], consul: tuple[str, int]
    ) -> None:
        """Reach each node's engine at its socket, and Consul at host and port of ``consul``."""
        self.inventory = inventory
        self.bell = Bell()
        self.consul = ConsulStore(*consul, inventory.deadlines.answer)
        self.nodes = {name: self._node(name, sockets[name]) for name in inventory.nodes}
        watches = [
            ConsulWatch(*consul, path, self.bell, inventory.deadlines.answer) for path in WATCHED
        ]
        events = [EngineEvents(node.engine, self.bell) for node in self.nodes.values()]
        probes = [node.probe for node in self.nodes.values()]
        self._sources = Sources([*watches, *events, *probes])
        self._executor = ThreadPoolExecutor(
            max_workers=len(self.nodes) * CALLS_PER_NODE + CALLS_OF_CONSUL,
            thread_name_prefix="look",
        )

    def _node(self, name: str, socket_path: Path) -> Node:
        engine = Engine(name, socket_path, self.inventory.deadlines.answer)
        start = partial(engine.start, self.inventory.names.consul, COMMAND)
        return Node(engine, Probe(name, self.inventory, self.bell, start))

    # --- life

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

    # --- asking

    def deploy(
        self, application: Application, placement: Placement, *, update: bool = False
    ) -> str:
        """Ask for ``placement`` and tell the event's ID, which becomes the deploy's.

        Raises ``RefusedError`` when the inventory does not allow changes, and
        ``EventTooLargeError`` when Consul could not carry the event.
        """
        self.inventory.require_may_change(f"deploy {application} to {placement}")
        event = {
            "repo": application.repo_url,
            "branch": application.branch,
            "master": placement.master,
            "slave": placement.slave,
            "update": update,
        }
        return self.consul.fire("deploy", event)

    def destroy(self, application: Application) -> str:
        """Ask for the application's end and tell the event's ID; raises as ``deploy`` does."""
        self.inventory.require_may_change(f"destroy {application}")
        event = {"repo": application.repo_url, "branch": application.branch}
        return self.consul.fire("destroy", event)

    def migrate(self, source: Application, target: Application, *, update: bool | None) -> str:
        """Ask for the source's data in ``target`` and tell the event's ID; raises as ``deploy``.

        ``update`` None leaves the choice to the cluster.
        """
        self.inventory.require_may_change(f"migrate {source} to {target}")
        event: dict[str, object] = {
            "repo": source.repo_url,
            "branch": source.branch,
            "target": {"repo": target.repo_url, "branch": target.branch},
        }
        if update is not None:
            event["update"] = update
        return self.consul.fire("migrate", event)

    def send(self, name: str, payload: str) -> str:
        """Send any event, well-formed or not, and tell its ID; raises as ``deploy`` does."""
        self.inventory.require_may_change(f"send the event {name}")
        return self.consul.fire_raw(name, payload)

    def deliver_again(self, event_id: str) -> None:
        """Hand an event over to every node's agent once more, in the way Consul's watch does.

        Raises ``NodeError`` where the agent does not take it.
        """
        self.inventory.require_may_change(f"deliver the event {event_id} again")
        text = json.dumps([self.consul.events()[event_id]])
        calls = {
            name: partial(self._deliver, node.engine, text) for name, node in self.nodes.items()
        }
        side_by_side(self._executor, calls)

    def _deliver(self, engine: Engine, text: str) -> None:
        names = self.inventory.names
        command = f"printf %s {quote(text)} | {names.delivery}"
        done = engine.run(names.consul, ["sh", "-c", command])
        if done.exit_code != 0:
            raise NodeError(engine.node, f"{names.delivery}: {done.stderr.strip()}")

    def remove_snapshots(self, application: Application) -> dict[str, list[str]]:
        """Remove what a destroy leaves on the nodes, and tell the snapshots' names by node."""
        self.inventory.require_may_change(f"remove the snapshots of {application}")
        calls = {
            name: partial(node.probe.remove_snapshots, application)
            for name, node in self.nodes.items()
        }
        return side_by_side(self._executor, calls)

    def replicate(self, shown: Observation, master: str) -> dict[str, Replicated]:
        """Send a snapshot of each volume that ``shown`` has on ``master`` to where its jobs say.

        Tells by volume whether it arrived, and restores there to the same content. The snapshots
        stay, as those of the jobs do; nothing else does.
        """
        self.inventory.require_may_change("replicate volumes")
        return replicate(self._executor, self.inventory, self.nodes, shown, master)

    # --- looking

    def observe(self, footprint: Footprint) -> Observation:
        """Read everything the cluster shows of one application, side by side."""
        return observe(self._executor, self.inventory, self.nodes, self.consul, footprint)

    def observe_others(self, application: Application) -> dict[str, Observation]:
        """Read everything the cluster shows of every other application that has a record."""
        return {
            name: self.observe(footprint_of(record))
            for name, record in self.consul.all_records().items()
            if name != application.name
        }

    def handling(self, event_id: str) -> dict[str, Handling]:
        """Tell how far each node is with an event."""
        calls = {name: partial(node.probe.handling, event_id) for name, node in self.nodes.items()}
        return side_by_side(self._executor, calls)

    def log_tails(self, lines: int = _LOG_LINES) -> dict[str, list[str]]:
        """Give the end of each node's handler log."""
        calls = {name: partial(node.probe.log, lines) for name, node in self.nodes.items()}
        return side_by_side(self._executor, calls)

    def told(self, event_id: str) -> dict[str, tuple[str, ...]]:
        """List all that each node's agent logged for an event."""
        tails = self.log_tails(_LINES_OF_AN_EVENT)
        return {node: lines_of(event_id, lines) for node, lines in tails.items()}

    def errors(self, event_id: str) -> dict[str, tuple[str, ...]]:
        """List the errors that each node's agent logged for an event."""
        tails = self.log_tails(_LINES_OF_AN_EVENT)
        return {node: errors_of(event_id, lines) for node, lines in tails.items()}

    def last_word(self, event_id: str) -> float | None:
        """Tell when a handler last logged something of an event, in seconds since 1970.

        By the nodes' clocks; None where no log tells it.
        """
        lines = [line for tail in self.log_tails(_LAST_LINES).values() for line in tail]
        return last_word(lines, event_id)

    # --- waiting

    def settle(self, expectation: Expectation, timeout: float | None = None) -> Waited[Observation]:
        """Wait until the cluster shows what is expected; ``timeout`` is in seconds.

        Cheap looks come first: as long as the record is not the expected deploy's, or a node still
        handles the event, there is nothing to observe. Raises ``NotSettledError`` with the
        difference by node, and with the commands that show more.
        """
        limit = self.inventory.deadlines.settle if timeout is None else timeout
        what = f"{expectation.application} at {expectation.placement}"
        self._sources.reopen_broken()
        try:
            return wait_until(
                lambda: self._settled(expectation), self.bell, what=what, timeout=limit
            )
        except NotSettledError as error:
            raise NotSettledError(
                f"{error.message}\n{self._whole_difference(expectation)}"
            ) from error

    def await_shown(
        self, footprint: Footprint, missing: Callable[[Observation], str], what: str
    ) -> Waited[Observation]:
        """Wait until ``missing`` finds nothing missing in an observation: until it returns "".

        For what no event asks for. Raises ``NotSettledError`` with what is missing at the end.
        """

        def look() -> Observation | NotYet:
            observed = self.observe(footprint)
            reason = missing(observed)
            return NotYet(reason) if reason else observed

        self._sources.reopen_broken()
        return wait_until(look, self.bell, what=what, timeout=self.inventory.deadlines.settle)

    def set_maintenance(self, application: Application, *, up: bool) -> None:
        """Raise or lower an application's maintenance flag, as an operator does by hand."""
        self.inventory.require_may_change(f"change the maintenance flag of {application}")
        self.consul.set_maintenance(application, up=up)

    @contextlib.contextmanager
    def recording(self, application: Application) -> Iterator[FlagRecorder]:
        """Record the history of an application's maintenance flag for as long as this is open.

        What happened until the end is recorded then, whatever the recorder had heard so far.
        """
        self.inventory.require_may_change(f"mark the KV below the flag of {application}")
        key, store = application.maintenance_key, self.consul
        store.leave_tombstone(ANCHOR.format(key))
        recorder = FlagRecorder(store.host, store.port, key, self.bell, store.timeout)
        recorder.open()
        try:
            yield recorder
            recorder.catch_up(store.index_below(key))
        finally:
            recorder.close()
            self.bell.mend(recorder.name)  # nobody is to wait for one that is gone

    def await_handled(self, event_id: str, timeout: float | None = None) -> Waited[None]:
        """Wait until every node has handled an event and handles nothing more."""
        limit = self.inventory.deadlines.settle if timeout is None else timeout
        self._sources.reopen_broken()
        return wait_until(
            lambda: self._unhandled(event_id),
            self.bell,
            what=f"event {event_id} handled",
            timeout=limit,
        )

    def _settled(self, expectation: Expectation) -> Observation | NotYet:
        not_yet = self._wrong_record(expectation) or self._unhandled(expectation.history.event_id)
        if not_yet is not None:
            return not_yet
        observed = self.observe(expectation.footprint)
        found = difference(expectation, observed)
        return NotYet(str(found)) if found else observed

    def _wrong_record(self, expectation: Expectation) -> NotYet | None:
        record = self.consul.record(expectation.application)
        found = record and record.get("deploy_id")
        expected = expectation.history.event_id if expectation.placement.master else None
        if found == expected:
            return None
        return NotYet(f"consul: the record's deploy_id is {found}, expected {expected}")

    def _unhandled(self, event_id: str) -> NotYet | None:
        open_ = {name: how for name, how in self.handling(event_id).items() if not how.done}
        if not open_:
            return None
        return NotYet(
            "\n".join(
                f"{name}: event {event_id} {'was' if how.handled else 'was not'} handled"
                f"; running: {', '.join(how.running) or 'nothing'}"
                for name, how in open_.items()
            )
        )

    def _whole_difference(self, expectation: Expectation) -> str:
        """Say all that differs at the end of a wait, and where to look next."""
        found = difference(expectation, self.observe(expectation.footprint))
        nodes = [place for place in found.places if place in self.nodes] or list(self.nodes)
        return f"all in all:\n{found}\nlook there:\n{self.where_to_look(nodes)}"

    def where_to_look(self, nodes: Iterable[str]) -> str:
        """Give the commands that show the agents' logs, one a line."""
        names, paths = self.inventory.names, self.inventory.paths
        return "\n".join(
            f"  ssh -p {ssh.port} -i {ssh.identity_file} -o UserKnownHostsFile={ssh.known_hosts} "
            f"{ssh.user}@{ssh.host} docker exec {names.consul} tail -n {_LOG_LINES} "
            f"{paths.handler_log}   # {node}"
            for node in nodes
            for ssh in [self.inventory.nodes[node].ssh]
        )
