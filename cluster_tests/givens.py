"""Base contexts: an application of the spec's own, at its placement, and the one cleanup.

Contexts runs the givens of all base classes, base first. A spec class derives from one of these,
says ``before`` and ``after``, and calls ``self.switch()`` in its because.
"""

from __future__ import annotations

import secrets
import sys
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from cluster_tests import current
from cluster_tests.comparison import comparable, container_names
from cluster_tests.errors import ClusterTestsError
from cluster_tests.ledger import Record
from cluster_tests.model import NOWHERE
from cluster_tests.plugin.interrupts import interrupts
from cluster_tests.report import Progress
from cluster_tests.served import served, written
from cluster_tests.tenant import Tenant

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from cluster_tests.errors import NotSettledError
    from cluster_tests.ledger import Ledger
    from cluster_tests.model import Observation, Placement
    from cluster_tests.served import Served
    from cluster_tests.session import Session
    from cluster_tests.tenant import Moved


class AnApplication:
    """Given an application that is published under a name of its own, and runs nowhere yet.

    ``service`` is the directory below fixtures/services that is published.
    """

    service: ClassVar[str] = "ledger"
    before: ClassVar[Placement] = NOWHERE
    after: ClassVar[Placement]

    # What the sentences compare, read once by ``switch``: all that was shown; what of it can be
    # predicted; and the oracle's prediction.
    shown: Observation
    observed: Observation
    expected: Observation
    haproxy_complaints: Mapping[str, str]

    # What was written before and after the switch, and what every node served then.
    written: tuple[Record, ...]
    written_after: tuple[Record, ...]
    served: Mapping[str, Served]
    cached: bytes | None

    _session: Session
    _tenant: Tenant
    _ledgers: Mapping[str, Ledger]
    _failure: NotSettledError | None = None

    def given_a_published_application(self) -> None:
        """Take a name, refuse it if it is in use, and push the service's repository."""
        self._session = current.session()
        publication = self._session.plan(self.service, f"spec-{secrets.token_hex(3)}")
        self._tenant = Tenant(self._session, publication)
        self._tenant.move_in()
        self._ledgers = self._session.ledgers(publication)
        self.written, self.written_after, self.cached, self.served = (), (), None, {}

    def switch(self) -> None:
        """Switch from ``before`` to ``after``, wait until it has settled, read everything once."""
        self._switch_to(self.after)

    def _switch_to(self, placement: Placement) -> None:
        self._arrived(self._tenant.move(placement))

    def _arrived(self, moved: Moved) -> None:
        self._failure = self._failure or moved.failure
        with Progress(f"{moved.switch}: reading through every node"):
            self._keep(moved)
            if moved.switch.after != NOWHERE:
                self._visit()

    def cleanup_what_was_created(self) -> None:
        """Remove all that the given and the switch created; a late cluster fails the spec here."""
        underway = sys.exc_info()[1]
        errors = [error for error in (underway, self._failure, self._leave()) if error is not None]
        for other in errors[1:]:
            errors[0].add_note(f"and then: {other}")
        if errors and errors[0] is not underway:
            raise errors[0]

    def _leave(self) -> ClusterTestsError | None:
        tenant: Tenant | None = getattr(self, "_tenant", None)
        try:
            with interrupts.shielded():
                if tenant is not None:
                    tenant.leave()
        except ClusterTestsError as error:
            return error
        return None

    def _keep(self, moved: Moved) -> None:
        expectation, self.shown = moved.expectation, moved.shown
        self.observed = comparable(expectation, moved.shown)
        self.expected = expectation.observation(container_names(expectation, moved.shown))
        self.haproxy_complaints = self._session.haproxy_complaints()

    def _visit(self) -> None:
        records = _records(self._ledgers, first=len(self.written) + 1)
        refusals = self._session.side_by_side(
            {node: partial(written, self._ledgers[node], records[node]) for node in self._ledgers}
        )
        self.written_after = tuple(records.values())
        self.served = self._session.side_by_side(
            {node: partial(served, self._ledgers[node], refusals[node]) for node in self._ledgers}
        )


class ARunningApplication(AnApplication):
    """Given an application that runs on ``before``, with records written through every node."""

    def given_a_running_application_with_records(self) -> None:
        """Deploy on ``before``, wait until it has settled, and write through every front."""
        moved = self._tenant.move(self.before)
        if moved.failure is not None:
            raise moved.failure
        with Progress(f"{self.before}: writing records"):
            self._write()

    def _write(self) -> None:
        records = _records(self._ledgers, first=1)
        self._session.side_by_side(
            {node: partial(self._ledgers[node].write, records[node]) for node in self._ledgers}
        )
        self.written = tuple(records.values())
        self.cached = f"cached on {self.before.master}".encode()
        next(iter(self._ledgers.values())).write_cache(self.cached)


def _records(nodes: Iterable[str], *, first: int) -> dict[str, Record]:
    """Make a record to be written through each node; its text tells which, and is no ASCII."""
    return {
        node: Record(number, f"record {number} through {node}: æ 記録\nsecond line")
        for number, node in enumerate(nodes, start=first)
    }
