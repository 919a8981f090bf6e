"""The harness's end of the probe: one long-lived process per node (``probe_script``).

When the way to the node breaks, a new process is started as soon as it is back; what changes
nothing is then asked again, and so is a snapshot, of which there may be one more.

A look through the ``buttervolume`` and ``docker`` command lines costs half a second a call; the
probe answers in milliseconds, and rings the bell when the node's logs or checkouts change.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import threading
from collections import deque
from concurrent.futures import Future, InvalidStateError
from concurrent.futures import TimeoutError as FutureTimeoutError
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cluster_tests.errors import NodeError
from cluster_tests.nodes import probe_script
from cluster_tests.nodes.exec_stream import STDOUT
from cluster_tests.waiting.signals import Source
from cluster_tests.way import UNBROKEN, repeated

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from cluster_tests.errors import HarnessError
    from cluster_tests.inventory.entries import Inventory
    from cluster_tests.model import Application
    from cluster_tests.nodes.exec_stream import ExecStream
    from cluster_tests.waiting.waiter import Bell
    from cluster_tests.way import Way

COMMAND = ("python3", "-u", "-c", Path(probe_script.__file__).read_text(encoding="utf-8"))
_STDERR_LINES = 20
# Volume names hold the prefix, checkouts the name: the parts of an observation.
OBSERVED = ("checkouts", "schedules", "btrfs_volumes", "snapshots")


@dataclass(frozen=True)
class Handling:
    """Whether a node has handled an event, and what its agent is doing right now."""

    handled: bool
    running: tuple[str, ...]

    @property
    def done(self) -> bool:
        """Whether the event was handled and nothing is being handled any more."""
        return self.handled and not self.running


class Probe(Source):
    """Asks one node's probe; also the source of that node's signals."""

    def __init__(
        self,
        node: str,
        inventory: Inventory,
        bell: Bell,
        start: Callable[[], ExecStream],
        way: Way = UNBROKEN,
    ) -> None:
        """Probe ``node``; ``start`` executes ``COMMAND`` in its Consul container."""
        super().__init__(f"probe of {node}", bell, way)
        self.node = node
        self._settings = _settings(inventory)
        self._timeout = inventory.deadlines.answer
        self._plugin = inventory.names.volume_driver
        self._start = start
        self._stream: ExecStream | None = None
        self._numbers = itertools.count(1)
        self._asked: dict[int, Future[dict[str, Any]]] = {}
        self._ready: Future[dict[str, Any]] = Future()
        self._stderr: deque[str] = deque(maxlen=_STDERR_LINES)
        self._writing = threading.Lock()

    # --- what it answers

    @repeated
    def observed(self, application: Application) -> dict[str, Any]:
        """Read the parts of an observation: ``OBSERVED``, in JSON's types."""
        return self._read(OBSERVED, name=application.name, prefix=application.volume_prefix)

    def remove_snapshots(self, application: Application) -> list[str]:
        """Remove the snapshots of the application's volumes, and tell their names."""
        return self.remove_snapshots_of(application.volume_prefix)

    @repeated
    def remove_snapshots_of(self, prefix: str) -> list[str]:
        """Remove the snapshots of all volumes whose names begin so, and tell their names."""
        return list(self._read(("removed",), prefix=prefix)["removed"])

    @repeated
    def snapshots_of(self, prefix: str) -> list[str]:
        """List the snapshots whose names begin so."""
        return list(self._read(("snapshots",), prefix=prefix)["snapshots"])

    @repeated
    def take_snapshot(self, volume: str) -> str:
        """Take a snapshot of a volume now, and tell its name."""
        return str(self._read(("taken",), volume=volume)["taken"])

    def send(self, snapshot: str, address: str) -> str:
        """Send a snapshot to another node; tell what the plugin objects, "" when it has arrived."""
        return str(self._read(("sent",), snapshot=snapshot, address=address)["sent"])

    def create_volume(self, volume: str) -> str:
        """Create a volume through the plugin; tell what it objects, "" when it is done."""
        return str(self._read(("created",), volume=volume)["created"])

    def drop_volume(self, volume: str) -> str:
        """Remove a volume through the plugin; tell what it objects, "" when it is done."""
        return str(self._read(("dropped",), volume=volume)["dropped"])

    @repeated
    def clock(self) -> float:
        """Tell the node's time, in seconds since the epoch."""
        return float(self._read(("clock",))["clock"])

    def restore(self, snapshot: str, volume: str) -> str:
        """Restore a snapshot as a volume; tell what the plugin objects, "" when it is done."""
        return str(self._read(("restored",), snapshot=snapshot, volume=volume)["restored"])

    @repeated
    def handling(self, event_id: str) -> Handling:
        """Tell how far the node is with an event."""
        values = self._read(("handled", "handling"), event=event_id)
        return Handling(bool(values["handled"]), tuple(values["handling"]))

    @repeated
    def require_plugin(self) -> None:
        """Raise ``NodeError`` unless the volume plugin answers.

        The first question costs a third of a second, in which the plugin's socket is found: whoever
        asks it here has quick looks from then on.
        """
        try:
            self._read(("schedules",), prefix="")
        except NodeError as error:
            error.remedy = f"on {self.node}: docker plugin enable {self._plugin}"
            raise

    @repeated
    def lines_about(self, event_id: str) -> list[str]:
        """Give all lines of the handler's log that name an event."""
        return list(self._read(("told",), event=event_id)["told"])

    @repeated
    def log(self, lines: int, begin: int = 0) -> list[str]:
        """Give the last ``lines`` lines of the handler's log, none from before byte ``begin``."""
        return list(self._read(("log",), lines=lines, begin=begin)["log"])

    @repeated
    def log_size(self) -> int:
        """Tell how many bytes the handler's log has: where what is logged next will begin."""
        return int(self._read(("log_size",))["log_size"])

    def _read(self, parts: tuple[str, ...], **arguments: object) -> dict[str, Any]:
        """Ask for ``parts``; raise ``NodeError`` when there is no answer, or an error."""
        if self._thread is None:
            raise NodeError(self.node, "the probe is not open")
        if self.broken:
            raise self._ended()
        self._await(self._ready, "about to start")
        number = next(self._numbers)
        answer: Future[dict[str, Any]] = Future()
        self._asked[number] = answer
        try:
            self._write({"id": number, "read": parts, **arguments})
            message = self._await(answer, f"asked for {', '.join(parts)}")
        finally:
            self._asked.pop(number, None)
        if "error" in message:
            raise NodeError(self.node, f"the probe cannot read it: {message['error']}")
        values: dict[str, Any] = message["values"]
        return values

    def _await(self, answer: Future[dict[str, Any]], doing: str) -> dict[str, Any]:
        try:
            return answer.result(self._timeout)
        except FutureTimeoutError as error:
            message = f"the probe, {doing}, gave no answer in {self._timeout:g} s"
            raise NodeError(self.node, message) from error

    def _write(self, message: Mapping[str, object]) -> None:
        stream = self._stream
        if stream is None:
            raise self._ended()
        try:
            with self._writing:
                stream.write(json.dumps(message).encode() + b"\n")
        except OSError as error:
            raise NodeError(self.node, f"the probe's stream broke: {error}") from error

    # --- the source

    def connect(self) -> None:
        """Start the process and hand it its settings."""
        self._stderr.clear()
        stream, self._stream = self._stream, None
        if stream is not None:
            stream.close()
        self._stream = self._start()
        self._write(self._settings)

    def open(self) -> None:
        """Open, and wait until the process watches and answers."""
        self._ready = Future()
        super().open()
        try:
            self._await(self._ready, "just started")
        except NodeError:
            self.close()
            raise

    def listen(self) -> None:
        """Hand answers to who asked, ring at signals; at the end, fail who still waits."""
        try:
            for line in self._lines():
                self._dispatch(json.loads(line))
            raise self._ended()
        finally:
            self._fail_waiting()

    def disconnect(self) -> None:
        """End the process by EOF on its stdin."""
        if self._stream is not None:
            self._stream.shutdown()

    def close(self) -> None:
        """End the process and free the stream."""
        super().close()
        stream, self._stream = self._stream, None
        if stream is not None:
            stream.close()

    def _lines(self) -> Iterator[bytes]:
        pending = b""
        for kind, payload in self._stream.frames() if self._stream else ():
            if kind == STDOUT:
                *lines, pending = (pending + payload).split(b"\n")
                yield from lines
            else:
                self._stderr.extend(payload.decode(errors="replace").splitlines())

    def _dispatch(self, message: dict[str, Any]) -> None:
        if "signal" in message:
            self.bell.ring()
        elif "ready" in message:
            self._ready.set_result(message)
        elif answer := self._asked.get(message["id"]):
            answer.set_result(message)

    def _ended(self) -> NodeError:
        said = "; it said:\n  " + "\n  ".join(self._stderr) if self._stderr else ""
        return NodeError(self.node, f"the probe in the Consul container ended{said}")

    def _fail_waiting(self) -> None:
        # Who asks from now on waits for the process that may come after this one.
        ready, self._ready = self._ready, Future()
        for answer in (ready, *tuple(self._asked.values())):
            self._refuse(answer)

    def _fail(self, error: HarnessError) -> None:
        super()._fail(error)
        self._refuse(self._ready)

    def _refuse(self, answer: Future[dict[str, Any]]) -> None:
        with contextlib.suppress(InvalidStateError):  # answered before the end
            answer.set_exception(self._ended())


def _settings(inventory: Inventory) -> dict[str, str]:
    paths = inventory.paths
    return {
        "deploy": str(paths.deploy),
        "events_log": str(paths.events_log),
        "handler_log": str(paths.handler_log),
        "handler": inventory.names.handler,
    }
