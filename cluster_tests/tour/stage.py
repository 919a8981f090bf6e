"""One application on tour: it makes a step, and is judged by all that can be known of it."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from cluster_tests.errors import ClusterError, ClusterTestsError
from cluster_tests.evidence.keeping import keep_evidence
from cluster_tests.model import NOWHERE
from cluster_tests.plugin.interrupts import interrupts
from cluster_tests.tenancy.telling import Learnt, tell
from cluster_tests.tenancy.tenant import Tenant
from cluster_tests.tenancy.visit import find_nobody, visit
from cluster_tests.tenancy.watching import Earlier, judged, traced, watching, witness_of
from cluster_tests.timeline.recorder import Recorder
from cluster_tests.tour.chronicle import Chronicle

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from cluster_tests.fronts.ledger import Ledger
    from cluster_tests.model import Placement
    from cluster_tests.session.session import Session
    from cluster_tests.tenancy.tenant import Moved
    from cluster_tests.tenancy.visit import Visit

_SERVICE = "ledger"


@dataclass(frozen=True)
class Stepped:
    """What came of a step: the switch, and everything that is not as it must be."""

    moved: Moved
    complaints: tuple[str, ...]


class Stage:
    """The application that is on tour, or none: after a failure it is given up for a new one."""

    def __init__(self, session: Session) -> None:
        """Nobody is on tour yet."""
        self._session = session
        self._tenant: Tenant | None = None
        self._ledgers: Mapping[str, Ledger] = {}
        self._chronicle = Chronicle()
        self._learnt = Learnt()

    def stand_at(self, placement: Placement) -> None:
        """Have an application at ``placement``: the one on tour, or else a new one.

        Raises ``ClusterError`` when a new one does not get there, or does not serve there.
        """
        if self._tenant is not None and self._tenant.placement == placement:
            return
        self.clear()
        publication = self._session.plan(_SERVICE, f"tour-{secrets.token_hex(3)}")
        self._tenant = Tenant(self._session, publication)
        self._tenant.move_in()
        self._ledgers = self._session.ledgers(publication)
        self._chronicle = Chronicle()
        if placement != NOWHERE:
            self._begin_at(placement, self._tenant)

    def _begin_at(self, placement: Placement, tenant: Tenant) -> None:
        moved = tenant.move(placement)
        if moved.failure is not None:
            raise moved.failure
        complaints = self._visit(moved)
        if complaints:
            raise ClusterError(f"a new application at {placement}:\n" + "\n".join(complaints))

    def step(self, after: Placement) -> Stepped:
        """Switch to ``after``, and judge: the oracle, all fronts, every record, the cache."""
        assert self._tenant is not None  # noqa: S101 - it stands where the step begins
        recorder = Recorder(self._session.cluster, self._tenant.application)
        with recorder:
            moved = self._watched(self._tenant, after)
        complaints = [] if moved.failure is None else [moved.failure.message]
        look = partial(self._visit, moved) if after != NOWHERE else self._look_back
        found = self._session.side_by_side({"haproxy": self._refused_by_haproxy, "look": look})
        complaints += found["haproxy"] + found["look"]
        tell(self._session, moved, self._learnt, recorder)
        complaints += self._too_long_away(moved)
        return Stepped(moved, tuple(complaints))

    def _watched(self, tenant: Tenant, after: Placement) -> Moved:
        """Switch; where there is something to lose, a witness writes and reads meanwhile."""
        self._learnt = Learnt()
        if tenant.placement == NOWHERE:
            return tenant.move(after)
        earlier = Earlier(self._chronicle.acknowledged[-1], self._chronicle.next_number)
        witness = witness_of(tenant, self._ledgers, after, earlier)
        with watching(witness, self._session.effort):
            moved = tenant.move(after)
        self._learnt = Learnt(witness.statement)
        self._chronicle.hear(witness.statement)
        return moved

    def _too_long_away(self, moved: Moved) -> list[str]:
        budget = self._session.inventory.budgets.get(moved.switch.kind)
        if budget is None:
            return []
        return [
            f"{downtime.worst_node}: {route} away {downtime}, at most {budget:g} s"
            for route, downtime in self._learnt.downtime(moved).items()
            if downtime.exceeds(budget)
        ]

    def clear(self) -> None:
        """Remove the application, if there is one; raises what its leaving raises.

        A signal that comes meanwhile waits: half of a removal would never be finished.
        """
        with interrupts.shielded():
            tenant, self._tenant = self._tenant, None
            if tenant is not None:
                tenant.leave()

    def keep_evidence(self, directory: Path) -> None:
        """Collect what the nodes tell of the application on tour, if there is one."""
        if self._tenant is not None:
            tenant = self._tenant
            keep_evidence(self._session, [tenant.subject], directory, tenant.since)

    def _refused_by_haproxy(self) -> list[str]:
        refused = self._session.haproxy_complaints()
        return [f"{node}: haproxy -c: {text}" for node, text in refused.items() if text]

    def _visit(self, moved: Moved) -> list[str]:
        stays = moved.switch.before.master == moved.switch.after.master
        visited = visit(self._session, self._ledgers, first=self._chronicle.next_number)
        self._examine(moved, visited)
        complaints = list(self._chronicle.judge(visited, stays=stays))
        complaints += map(str, self._learnt.traces)
        ledger = next(iter(self._ledgers.values()))
        try:
            ledger.write_cache(self._chronicle.new_cache())
        except ClusterTestsError as error:
            complaints.append(str(error))
        return complaints

    def _examine(self, moved: Moved, visited: Visit) -> None:
        """Say what became of the witness's writes, and where the lost ones were."""
        tenant, statement = self._tenant, self._learnt.statement
        if tenant is None or statement is None:
            return
        writes = judged(
            statement,
            visited.served,
            promised=self._chronicle.acknowledged,
            possible=(*self._chronicle.possible, *visited.sent.values()),
        )
        if writes is not None:
            traces = traced(self._session, tenant, moved.switch, writes)
            self._learnt = Learnt(statement, writes, traces)

    def _look_back(self) -> list[str]:
        """Judge that nobody is there any more; the next deploy begins with nothing."""
        assert self._tenant is not None  # noqa: S101 - it was destroyed a moment ago
        found = find_nobody(self._session, self._ledgers)
        # They were judged as part of what the destroy left; hundreds of steps would fill the disk.
        self._session.cluster.remove_snapshots(self._tenant.application)
        self._chronicle = Chronicle()
        return [
            f"{node}: of a destroyed application: {what}"
            for node, what in found.items()
            if not what.as_it_must
        ]
