"""A base context for specs that leave their application as they found it: the next one goes on."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cluster_tests.givens.applications import ARunningApplication
from cluster_tests.session import current
from cluster_tests.tenancy.visit import read

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cluster_tests.errors import ClusterTestsError
    from cluster_tests.fronts.ledger import Ledger, Record
    from cluster_tests.model import Placement
    from cluster_tests.services.publisher import Publication
    from cluster_tests.session.session import Session
    from cluster_tests.tenancy.tenant import Tenant

_MANY = 60  # records: every spec adds some, and reads all of them through every node


@dataclass(frozen=True)
class Standing:
    """An application as a spec left it: where to find it, and all that was written to it."""

    tenant: Tenant
    publication: Publication
    ledgers: Mapping[str, Ledger]
    written: tuple[Record, ...]
    cached: bytes | None

    def is_whole(self, session: Session, placement: Placement) -> bool:
        """Tell whether everything is at ``placement`` as it must be, to its last record.

        One node is asked: what each of them serves is for the spec that goes on to say.
        """
        if self.tenant.placement != placement or self.tenant.settle_again()[1] is not None:
            return False
        everything = frozenset(record.found for record in self.written)
        [node, ledger], *_ = self.ledgers.items()
        found = read(session, {node: ledger})[node]
        return found.records == found.files == everything and found.cache == self.cached


class AnApplicationHandedOn(ARunningApplication):
    """Given a running application with records: the last such spec's, or a new one.

    It is handed on by a spec in which everything went well, and taken over only if it still is
    whole: settled where it was, with every record, file and cached byte. An application that is
    not leaves, and a new one moves in.
    """

    _taken_over: bool

    def _move_in(self) -> None:
        found = self._shelf.pop(self._place, None)
        self._taken_over = found is not None and found.is_whole(self._session, self.before)
        if found is None:
            super()._move_in()
        elif self._taken_over:
            self._tenant, self._publication = found.tenant, found.publication
            self._ledgers, self.written, self.cached = found.ledgers, found.written, found.cached
        else:
            found.tenant.leave()
            super()._move_in()

    def _begin(self) -> None:
        if not self._taken_over:
            super()._begin()

    def _leave(self) -> ClusterTestsError | None:
        raised = sys.exc_info()[1] or self._failure
        written = self.written + self.written_after
        if raised or current.scenario().troubled or self._session.keep or len(written) > _MANY:
            return super()._leave()
        self._shelf[self._place] = Standing(
            self._tenant, self._publication, self._ledgers, written, self.cached
        )
        return None

    @property
    def _shelf(self) -> dict[str, Standing]:
        shelf: dict[str, Standing] = self._session.resident("handed on", dict)
        return shelf

    @property
    def _place(self) -> str:
        return f"{self.service} {self.variant} at {self.before}"
