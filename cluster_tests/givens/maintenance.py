"""Givens of maintenance: a flag that is raised by hand, and one that a switch raises."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from cluster_tests.errors import NotSettledError
from cluster_tests.expectation.question import footprint
from cluster_tests.givens.applications import ARunningApplication
from cluster_tests.givens.neighbours import ANeighbour
from cluster_tests.model import Observation, Registration, Site
from cluster_tests.proxies.caddy import MAINTENANCE
from cluster_tests.tenancy.served import Unavailable, value_of
from cluster_tests.tenancy.visit import read

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cluster_tests.consul.flag_history import FlagHistory
    from cluster_tests.fronts.asking import Failure
    from cluster_tests.fronts.front import Front
    from cluster_tests.model import Footprint, NodeView
    from cluster_tests.tenancy.served import Served


@dataclass(frozen=True)
class Met:
    """What a visitor met at one node: the site's status, who said so, and whether SSH refused."""

    status: int | Unavailable
    server: str | Unavailable
    title: bool | Unavailable
    ssh_refused: bool | Unavailable


class AFlagByHand(ANeighbour):
    """Given a running application, and somebody who raises and lowers its flag by hand.

    ``met`` is what a visitor meets through each node: ``met_before`` the flag, ``met_during`` and
    ``met_after`` it. What the application showed at these times is ``shown_…``; what it must have
    shown meanwhile, ``expected_during``, is what it showed before, less its ``HAPROXY`` routes and
    with the maintenance page in place of its sites.
    """

    met_before: Mapping[str, Met]
    met_during: Mapping[str, Met]
    met_after: Mapping[str, Met]
    shown_before: Observation
    shown_during: Observation
    shown_after: Observation
    expected_during: Observation
    served_after: Mapping[str, Served]
    neighbours_failures: tuple[Failure, ...]
    neighbours_asked: Mapping[tuple[str, str], int]
    neighbour_before: Observation
    neighbour_during: Observation

    def given_what_there_is_without_the_flag(self) -> None:
        """Look at everything, and meet the application through every node."""
        self.met_before = self._meet()
        self.shown_before = comparable(self._session.cluster.observe(self._footprint))
        self.neighbour_before = self._neighbour()
        self.expected_during = in_maintenance(self.shown_before, self._footprint)

    def _raise_flag(self) -> None:
        with self._neighbours.asking() as asking:
            self._flag(up=True)
            self.shown_during = self._wait_for(self.expected_during, "in maintenance")
            self.met_during = self._meet()
            asking.ask_all_once_more()
        self.neighbours_failures, self.neighbours_asked = asking.failures, asking.asked
        self.neighbour_during = self._neighbour()

    def _lower_flag(self) -> None:
        self._flag(up=False)
        self.shown_after = self._wait_for(self.shown_before, "out of maintenance")
        self.met_after = self._meet()
        self.served_after = read(self._session, self._ledgers)

    def _flag(self, *, up: bool) -> None:
        self._session.cluster.set_maintenance(self._tenant.application, up=up)

    @property
    def _footprint(self) -> Footprint:
        return footprint(self._publication.application, self._publication.definition)

    def _neighbour(self) -> Observation:
        [observation] = self._neighbours.observe().values()
        return comparable(observation)

    def _wait_for(self, wanted: Observation, what: str) -> Observation:
        """Wait until everything is as wanted; the spec fails in its cleanup where that is late."""
        cluster = self._session.cluster
        try:
            shown = cluster.await_shown(
                self._footprint,
                lambda found: "" if comparable(found) == wanted else f"{comparable(found)}",
                f"{self._tenant.application} {what}",
            ).value
        except NotSettledError as error:
            self._failure = error
            shown = cluster.observe(self._footprint)
        return comparable(shown)

    def _meet(self) -> dict[str, Met]:
        return self._session.answers(
            {node: partial(self._met, front) for node, front in self._session.fronts().items()}
        )

    def _met(self, front: Front) -> Met:
        domain, port = self._publication.domain, self._publication.port
        answer = value_of(partial(front.http, domain))
        refused = value_of(partial(front.refuses, port))
        if isinstance(answer, Unavailable):
            return Met(answer, answer, answer, refused)
        said = answer.headers.get("server", "")
        return Met(answer.status, said, b"<title>Maintenance</title>" in answer.body, refused)


class AFlagUpByHand(AFlagByHand):
    """Given a running application whose flag was raised by hand."""

    def given_the_flag_is_up(self) -> None:
        """Raise it, and wait until all nodes have loaded what follows."""
        self._raise_flag()


class ARecordedFlag(ARunningApplication):
    """Given a running application whose flag is recorded while it is switched."""

    history: FlagHistory

    def _switch_recorded(self) -> None:
        with self._session.cluster.recording(self._tenant.application) as recorder:
            self.switch()
        self.history = recorder.history


def in_maintenance(shown: Observation, own: Footprint) -> Observation:
    """Say what an application must show in maintenance that shows ``shown`` out of it."""
    nodes = {node: _maintained(view, own) for node, view in shown.nodes.items()}
    return replace(shown, nodes=nodes, maintenance=True)


def _maintained(view: NodeView, own: Footprint) -> NodeView:
    left = frozenset(route for route in view.routes if not own.ports.intersection(route.bind))
    pages = frozenset(Site(site.domain, MAINTENANCE) for site in view.sites)
    return replace(view, routes=left, sites=pages)


def comparable(shown: Observation) -> Observation:
    """Leave out what changes by itself: snapshots that jobs take, and how the checks are doing."""
    nodes = {node: replace(view, snapshots=frozenset()) for node, view in shown.nodes.items()}
    registrations = frozenset(
        Registration(each.node, tuple(replace(check, status="") for check in each.checks))
        for each in shown.registrations
    )
    return replace(shown, nodes=nodes, registrations=registrations)
