"""Base contexts: an application of the spec's own, at its placement, and the one cleanup.

Contexts runs the givens of all base classes, base first. A spec class derives from one of these,
says ``before`` and ``after``, and calls ``self.switch()`` in its because.
"""

from __future__ import annotations

import secrets
import time
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from cluster_tests.expectation.comparison import comparable, container_names
from cluster_tests.givens.leaving import gone, raise_first
from cluster_tests.model import NOWHERE
from cluster_tests.plugin.evidence import keep_once
from cluster_tests.plugin.interrupts import interrupts
from cluster_tests.report import Progress
from cluster_tests.results.values import Event
from cluster_tests.session import current
from cluster_tests.tenancy.telling import Learnt, tell
from cluster_tests.tenancy.tenant import Tenant
from cluster_tests.tenancy.visit import find_nobody, records, visit
from cluster_tests.tenancy.watching import Earlier, judged, traced, watching, witness_of
from cluster_tests.timeline.layers import Layer
from cluster_tests.timeline.recorder import Recorder
from cluster_tests.witness.witness import RATE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from cluster_tests.cluster.replication import Replicated
    from cluster_tests.errors import ClusterTestsError, NotSettledError
    from cluster_tests.fronts.ledger import Ledger, Record
    from cluster_tests.model import Observation, Placement
    from cluster_tests.services.git import RefKind
    from cluster_tests.services.publisher import Publication
    from cluster_tests.session.session import Session
    from cluster_tests.tenancy.served import Departed, Served
    from cluster_tests.tenancy.tenant import Moved
    from cluster_tests.witness.statement import Statement, Writes
    from cluster_tests.witness.tracing import Trace


class AnApplication:
    """Given an application that is published under a name of its own, and runs nowhere yet.

    ``service`` is the directory below fixtures/services that is published, ``variant`` the version
    of it, one of its ``variants/``; "" is the service as it is. ``version_kind`` tells whether the
    version is a branch ("heads") or a tag ("tags").
    """

    service: ClassVar[str] = "ledger"
    variant: ClassVar[str] = ""
    version_kind: ClassVar[RefKind] = "heads"
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
    # what was written and never acknowledged, and is not there as a row: of its file nobody knows
    unacknowledged: tuple[Record, ...]
    served: Mapping[str, Served]
    cached: bytes | None

    # What came of a snapshot of each volume that was sent to the slave, after the switch; and
    # what every node said of an application that is gone.
    replicated: Mapping[str, Replicated]
    departed: Mapping[str, Departed]

    # What the witness saw (None: nobody watched), what became of its writes (None: nothing could
    # be read), where the lost ones were, and the seconds that the application may be away.
    statement: Statement | None = None
    writes: Writes | None = None
    lost_traces: tuple[Trace, ...] = ()
    budget: float | None = None

    # Whether the deploy asks for the version's update script.
    update: ClassVar[bool] = False

    _session: Session
    _publication: Publication
    _tenant: Tenant
    _ledgers: Mapping[str, Ledger]
    _recorder: Recorder | None = None
    _failure: NotSettledError | None = None

    def given_a_published_application(self) -> None:
        """Take a name, refuse it if it is in use, and push the service's repository."""
        self._session = current.session()
        self.written, self.written_after, self.unacknowledged = (), (), ()
        self.cached = None
        self.served, self.replicated, self.departed = {}, {}, {}
        self._move_in()

    def _move_in(self) -> None:
        publication = self._publication = self._session.plan(
            self.service, f"spec-{secrets.token_hex(3)}", self.variant, self.version_kind
        )
        self._ledgers = self._session.ledgers(publication)
        self._tenant = Tenant(self._session, publication)
        self._tenant.move_in()

    def switch(self) -> None:
        """Switch from ``before`` to ``after``, wait until it has settled, read everything once."""
        self._switch_to(self.after)

    def _switch_to(self, placement: Placement) -> None:
        self._arrived(self._move(placement))

    def _arrived(self, moved: Moved) -> None:
        self._failure = self._failure or moved.failure
        with Progress(f"{moved.switch}: reading through every node"):
            self._keep(moved)
            with self._session.meanwhile(self._session.haproxy_complaints) as complaints:
                self._visit()
            self.haproxy_complaints = complaints.result()
            self._judge(moved)
        self._tell(moved)

    def _tell(self, moved: Moved) -> None:
        """Hand over all that is known of the switch, to whoever keeps it, and to people."""
        # Where nobody listened, the logs still tell.
        cluster, application = self._session.cluster, self._tenant.application
        recorder, self._recorder = self._recorder or Recorder(cluster, application), None
        end = moved.started + moved.seconds
        reading = Event(end, Layer.SPEC, "reading through every node", until=time.time())
        learnt = Learnt(self.statement, self.writes, self.lost_traces)
        tell(self._session, moved, learnt, recorder, [reading])

    def _judge(self, moved: Moved) -> None:
        """Say what became of the witness's writes; what is there must stay there from now on."""
        statement, switch = self.statement, moved.switch
        self.budget = self._session.inventory.budgets.get(switch.kind)
        if statement is None or switch.after.master is None:
            return
        self.writes = judged(
            statement, self.served, promised=self.written, possible=self.written_after
        )
        if self.writes is None:
            return
        self.lost_traces = traced(self._session, self._tenant, switch, self.writes)
        recovered = self.writes.recovered
        self.written += recovered
        self.unacknowledged = tuple(each for each in self.unacknowledged if each not in recovered)

    def _move(self, placement: Placement) -> Moved:
        self._recorder = Recorder(self._session.cluster, self._tenant.application)
        with self._recorder:
            return self._tenant.move(placement, update=self.update)

    def cleanup_what_was_created(self) -> None:
        """Remove all that the given and the switch created; a late cluster fails the spec here."""
        keep_once(self._company, self._failure)
        left = self._leave()
        if left is not None:
            keep_once(self._company, left)
        raise_first(self._failure, left)

    @property
    def _company(self) -> Iterator[Tenant]:
        """The applications that a failure may be about: those that there are by now."""
        if hasattr(self, "_tenant"):
            yield self._tenant

    def _leave(self) -> ClusterTestsError | None:
        tenant: Tenant | None = getattr(self, "_tenant", None)
        return gone(tenant.leave) if tenant is not None else None

    def _keep(self, moved: Moved) -> None:
        expectation, self.shown = moved.expectation, moved.shown
        self.observed = comparable(expectation, moved.shown)
        self.expected = expectation.observation(container_names(expectation, moved.shown))

    def _visit(self) -> None:
        if self.after.master is None:
            self.departed = find_nobody(self._session, self._ledgers)
            return
        self._write_and_read()
        self._replicate()

    def _replicate(self) -> None:
        # Last: what it takes and sends are snapshots that the observation must not count. And
        # whole: what is still being sent while the application leaves would stay behind.
        if self.after.master is not None and self.after.slave is not None:
            with interrupts.shielded():
                cluster = self._session.cluster
                self.replicated = cluster.replicate(self.shown, self.after.master)

    def _write_and_read(self) -> None:
        visited = visit(self._session, self._ledgers, first=self._next_number)
        self.written_after, self.served = tuple(visited.sent.values()), visited.served

    @property
    def _next_number(self) -> int:
        """The first number that no record has had."""
        return 1 + max((each.id for each in self.written + self.unacknowledged), default=0)


class ARunningApplication(AnApplication):
    """Given an application that runs on ``before``, with records written through every node.

    A witness writes and reads while it is switched, up to ``witness_rate`` times a second over each
    route.
    """

    witness_rate: ClassVar[float] = RATE

    def given_a_running_application_with_records(self) -> None:
        """Deploy on ``before``, wait until it has settled, and write through every front."""
        self._begin()

    def _begin(self) -> None:
        moved = self._tenant.move(self.before)
        if moved.failure is not None:
            raise moved.failure
        with Progress(f"{self.before}: writing records"):
            self._write()

    def _move(self, placement: Placement) -> Moved:
        witness = witness_of(
            self._tenant,
            self._ledgers,
            placement,
            Earlier(self.written[-1], self._next_number),
            self.witness_rate,
        )
        with watching(witness, self._session.effort):
            moved = super()._move(placement)
        statement = self.statement = witness.statement
        self.written += statement.acknowledged
        self.unacknowledged += statement.failed + statement.unknown
        return moved

    def _write(self) -> None:
        first = records(self._ledgers, first=1)
        self._session.answers(
            {node: partial(self._ledgers[node].write, first[node]) for node in self._ledgers}
        )
        self.written = tuple(first.values())
        self.cached = f"cached on {self.before.master}".encode()
        [node, ledger], *_ = self._ledgers.items()
        self._session.answers({node: partial(ledger.write_cache, self.cached)})
