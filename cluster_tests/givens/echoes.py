"""Givens of echoes: applications that are quick to deploy and to ask."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from cluster_tests.errors import ClusterError
from cluster_tests.fronts.echo import Echo
from cluster_tests.givens.applications import AnApplication
from cluster_tests.report import say
from cluster_tests.session import current
from cluster_tests.tenancy.served import Unavailable, value_of
from cluster_tests.waiting.waiter import NotYet, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from cluster_tests.fronts.echo import Shown
    from cluster_tests.services.publisher import Publication
    from cluster_tests.session.session import Session

CONSUL = "Consul Health Check"  # its user agent
_BETWEEN_LOOKS = 0.25  # seconds; nothing announces that a check was made


def echoes_of(session: Session, publication: Publication) -> dict[str, Echo]:
    """Reach a published echo through every node."""
    domain, version = publication.domain, publication.application.branch
    return {node: Echo(front, domain, version) for node, front in session.fronts().items()}


class AnEcho(AnApplication):
    """Given an echo that is published and runs nowhere yet; ``switch`` reads what it shows."""

    service = "echo"
    domain: str
    version: str
    shown_through: Mapping[str, Shown | Unavailable]
    who_asked: tuple[str, ...]  # for /ready
    kept: tuple[str, ...] = ()  # lines that were acknowledged

    def given_an_echo(self) -> None:
        """Reach it through every node."""
        publication = self._publication
        self.domain, self.version = publication.domain, publication.application.branch
        self._echoes = echoes_of(self._session, publication)

    def _visit(self) -> None:
        self.shown_through = self._session.answers(
            {node: partial(value_of, echo.show) for node, echo in self._echoes.items()}
        )
        self._replicate()

    def _await_check(self) -> None:
        """Wait until Consul itself has asked for ``/ready``: that is no part of a switch."""

        def look() -> tuple[str, ...] | NotYet:
            asked = tuple(next(iter(self._echoes.values())).show().asked)
            return asked if CONSUL in asked else NotYet(f"/ready was asked by {asked or 'nobody'}")

        cluster = self._session.cluster
        self.who_asked = ()
        try:
            self.who_asked = wait_until(
                look,
                cluster.bell,
                what=f"{self.domain}: a look of Consul's",
                timeout=cluster.inventory.deadlines.answer,
                backstop=_BETWEEN_LOOKS,
            ).value
        except ClusterError as error:
            say(str(error))  # the sentence fails: nobody asked

    def _each(self, read: Callable[[Shown], object]) -> dict[str, object]:
        """Read something of what each node showed; what came instead stays in its place."""
        return {
            node: shown if isinstance(shown, Unavailable) else read(shown)
            for node, shown in self.shown_through.items()
        }


class ARunningEcho(AnEcho):
    """Given an echo that runs on ``before``, and keeps a line that was sent through each node."""

    def given_a_running_echo_with_lines(self) -> None:
        """Deploy on ``before``, wait until it has settled, and have lines kept."""
        moved = self._tenant.move(self.before)
        if moved.failure is not None:
            raise moved.failure
        with self._session.effort.cluster("answering"):  # in turn, so that their order is known
            for node, echo in self._echoes.items():
                echo.keep(f"a line through {node}")
        self.kept = tuple(f"a line through {node}" for node in self._echoes)


class ASpelledEcho(AnEcho):
    """Given an echo whose repository is named in another way; how, is the example."""

    spelling: str

    def _spell(self, spelling: str) -> None:
        self.spelling = spelling
        self._tenant.spell(spelling)


def spellings_of_the_echo() -> tuple[str, ...]:
    """List ways to write its repository's URL, besides the one that everything else uses.

    Upper case is for servers that take it, as those that people use do. All but those over ssh
    have the same path, and are the same application.
    """
    forge = current.session().inventory.forge
    return (
        f"{forge.fetch_url}/echo",
        f"{forge.fetch_url}/ECHO.git",
        f"{forge.fetch_url_over_ssh}/echo.git",
        f"{forge.fetch_url_over_ssh}/ECHO",
    )


def spelling_in_upper_case() -> str:
    """Write the URL of the same application in upper case, and without the suffix."""
    return f"{current.session().inventory.forge.fetch_url}/ECHO"
