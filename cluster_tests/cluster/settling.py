"""Waiting for a cluster under test: until it has settled, or shows something, or has handled."""

from __future__ import annotations

import contextlib
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from cluster_tests.cluster.looking import Looking
from cluster_tests.consul.flag_history import ANCHOR, FlagRecorder
from cluster_tests.errors import NotSettledError
from cluster_tests.expectation.comparison import difference, difference_of_registrations
from cluster_tests.waiting.waiter import NotYet, Waited, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from cluster_tests.expectation.oracle import Expectation
    from cluster_tests.model import Application, Footprint, Observation

T = TypeVar("T")


class Settling(Looking):
    """Waits for signals, and looks when there is one; each wait has its deadline."""

    def settle(self, expectation: Expectation, timeout: float | None = None) -> Waited[Observation]:
        """Wait until the cluster shows what is expected; ``timeout`` is in seconds.

        Cheap looks come first: as long as the record is not the expected deploy's, a node still
        handles the event, or Consul's checks do not pass, there is nothing to observe. Raises
        ``NotSettledError`` with the difference by node, and with the commands that show more.
        """
        limit = self.inventory.deadlines.settle if timeout is None else timeout
        what = f"{expectation.application} at {expectation.placement}"
        try:
            return self._wait("switching", self._looks_at(expectation), what, limit)
        except NotSettledError as error:
            objections = self.objections(expectation.history.event_id)
            told = "\n".join([error.message, *objections, self._whole_difference(expectation)])
            raise NotSettledError(told, reason=error.reason, objections=objections) from error

    def await_shown(
        self, footprint: Footprint, missing: Callable[[Observation], str], what: str
    ) -> Waited[Observation]:
        """Wait until ``missing`` finds nothing missing in an observation: until it returns "".

        For what no event asks for. Raises ``NotSettledError`` with what is missing at the end.
        """

        def look() -> Observation | NotYet:
            observed = self._observed(footprint)
            reason = missing(observed)
            return NotYet(reason) if reason else observed

        return self._wait("rendering", look, what, self.inventory.deadlines.settle)

    @contextlib.contextmanager
    def recording(self, application: Application) -> Iterator[FlagRecorder]:
        """Record the history of an application's maintenance flag for as long as this is open.

        What happened until the end is recorded then, whatever the recorder had heard so far.
        """
        self.inventory.require_may_change(f"mark the KV below the flag of {application}")
        key, store = application.maintenance_key, self.consul
        store.leave_tombstone(ANCHOR.format(key))
        recorder = FlagRecorder(store, key, self.bell)
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
        what = f"event {event_id} handled"
        return self._wait("handling", lambda: self._unhandled(event_id), what, limit)

    def _wait(
        self, doing: str, look: Callable[[], T | NotYet], what: str, limit: float
    ) -> Waited[T]:
        """Wait, and note whose time it was; a wait in vain is all the cluster's."""
        self._sources.reopen_broken()
        try:
            waited = wait_until(look, self.bell, what=what, timeout=limit)
        except NotSettledError:
            self.effort.waited(f"{doing} in vain", limit, 0.0)
            raise
        self.effort.waited(doing, waited.seconds, waited.noticed)
        return waited

    def _looks_at(self, expectation: Expectation) -> Callable[[], Observation | NotYet]:
        """Give what a wait does at each signal; each cheap look is taken until it finds nothing.

        Not once more after that: whether the event is handled does not change back, and all else
        is in the observation.
        """
        cheap = [
            partial(self._wrong_record, expectation),
            partial(self._unhandled, expectation.history.event_id),
            partial(self._unregistered, expectation),
        ]

        def look() -> Observation | NotYet:
            while cheap:
                not_yet = cheap[0]()
                if not_yet is not None:
                    return not_yet
                del cheap[0]
            observed = self._observed(expectation.footprint)
            found = difference(expectation, observed)
            return NotYet(str(found)) if found else observed

        return look

    def _unregistered(self, expectation: Expectation) -> NotYet | None:
        # Checks are mostly the last to come true, and one question tells.
        registered = self.consul.registrations(expectation.application)
        found = difference_of_registrations(expectation, registered)
        return NotYet(str(found)) if found else None

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
