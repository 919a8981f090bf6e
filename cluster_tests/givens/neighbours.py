"""Givens of applications that live side by side, and are asked all the time."""

from __future__ import annotations

import secrets
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from cluster_tests.errors import joined
from cluster_tests.expectation.question import footprint
from cluster_tests.fronts.asking import Asking
from cluster_tests.givens.applications import ARunningApplication
from cluster_tests.givens.echoes import echoes_of
from cluster_tests.givens.leaving import gone, raise_first
from cluster_tests.plugin.evidence import keep_once
from cluster_tests.report import Progress, say
from cluster_tests.session import current
from cluster_tests.tenancy.tenant import Tenant

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from cluster_tests.errors import ClusterTestsError
    from cluster_tests.fronts.asking import Failure
    from cluster_tests.model import Observation, Placement
    from cluster_tests.services.publisher import Publication
    from cluster_tests.session.session import Session
    from cluster_tests.tenancy.tenant import Moved


class Neighbours:
    """Echoes of our own, each on a placement: moved in, asked, and gone again, side by side."""

    def __init__(self, session: Session, placements: Sequence[Placement]) -> None:
        """Take a name for each placement; nothing is created yet."""
        self._session = session
        self._publications: dict[Placement, Publication] = {}
        self._tenants: dict[Placement, Tenant] = {}
        for placement in placements:
            publication = session.plan("echo", f"spec-{secrets.token_hex(3)}")
            self._publications[placement] = publication
            self._tenants[placement] = Tenant(session, publication)

    def move_in(self) -> None:
        """Publish and deploy all; raise what keeps one from settling."""
        self._session.side_by_side(
            {str(at): tenant.move_in for at, tenant in self._tenants.items()}
        )
        with Progress(f"{len(self._tenants)} neighbours move in"):
            moves = self._session.side_by_side(
                {str(at): partial(tenant.move, at) for at, tenant in self._tenants.items()}
            )
        for moved in moves.values():
            if moved.failure is not None:
                raise moved.failure

    def switch(self, before: Placement, after: Placement) -> Moved:
        """Switch the one that is on ``before``."""
        return self._tenants[before].move(after)

    def asking(self, *, but: Placement | None = None) -> Asking:
        """Ask them all through every node, except the one on ``but``."""
        return Asking(
            {
                (node, publication.application.name): echo.show
                for placement, publication in self._publications.items()
                if placement != but
                for node, echo in echoes_of(self._session, publication).items()
            }
        )

    def observe(self) -> dict[Placement, Observation]:
        """Read everything that the cluster shows of each."""
        cluster = self._session.cluster
        return {
            at: cluster.observe(footprint(publication.application, publication.definition))
            for at, publication in self._publications.items()
        }

    @property
    def tenants(self) -> Iterable[Tenant]:
        """The applications themselves."""
        return self._tenants.values()

    def leave(self) -> ClusterTestsError | None:
        """Remove all of them; give what went wrong."""
        leaving = {str(at): tenant.leave for at, tenant in self._tenants.items()}
        return gone(partial(self._session.side_by_side, leaving))


class SideBySide:
    """Given four applications, each with a master and a slave of its own, that all serve."""

    before: ClassVar[Placement]
    after: ClassVar[Placement]
    others: ClassVar[tuple[Placement, ...]]

    # What came of asking the others: how often each was asked through each node, before, during
    # and after the switch, and what failed. What they showed before and after it.
    asked_meanwhile: Mapping[tuple[str, str], int]
    expected_askings: frozenset[tuple[str, str]]
    failures: tuple[Failure, ...]
    others_before: Mapping[Placement, Observation]
    others_after: Mapping[Placement, Observation]

    _neighbours: Neighbours
    _moved: Moved

    def given_four_applications_that_serve(self) -> None:
        """Deploy them side by side."""
        self._neighbours = Neighbours(current.session(), (self.before, *self.others))
        self._neighbours.move_in()

    def _switch_one(self) -> None:
        before = self._neighbours.observe()
        self.others_before = {at: before[at] for at in self.others}
        with self._neighbours.asking(but=self.before) as asking:
            earlier = asking.asked
            self._moved = self._neighbours.switch(self.before, self.after)
            self.asked_meanwhile = {
                pair: number - earlier[pair] for pair, number in asking.asked.items()
            }
            asking.ask_all_once_more()
        self.failures = asking.failures
        self.expected_askings = frozenset(asking.asked)
        shown = self._neighbours.observe()
        self.others_after = {at: shown[at] for at in self.others}
        say(f"{sum(asking.asked.values())} requests meanwhile, {len(self.failures)} failed")

    def cleanup_the_four(self) -> None:
        """Remove all; a switch that did not settle fails the spec here."""
        moved: Moved | None = getattr(self, "_moved", None)
        failure = moved.failure if moved is not None else None
        neighbours: Neighbours | None = getattr(self, "_neighbours", None)
        if neighbours is not None:
            keep_once(neighbours.tenants, failure)
            raise_first(failure, neighbours.leave())


class ANeighbour(ARunningApplication):
    """Given a running application with records, and another one beside it that is asked."""

    beside: ClassVar[Placement]  # where the other one is

    _neighbours: Neighbours

    def given_a_neighbour(self) -> None:
        """Deploy an echo."""
        self._neighbours = Neighbours(self._session, [self.beside])
        self._neighbours.move_in()

    def _leave(self) -> ClusterTestsError | None:
        neighbours: Neighbours | None = getattr(self, "_neighbours", None)
        left = neighbours.leave() if neighbours is not None else None
        return joined([left, super()._leave()])

    @property
    def _company(self) -> Iterator[Tenant]:
        yield from super()._company
        if hasattr(self, "_neighbours"):
            yield from self._neighbours.tenants
