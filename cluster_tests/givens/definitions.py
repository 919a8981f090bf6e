"""Givens of what a service's repository may declare beyond a site and volumes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from cluster_tests.foundation.facts import read_facts
from cluster_tests.givens.applications import AnApplication
from cluster_tests.report import say
from cluster_tests.tenancy.served import value_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from cluster_tests.foundation.facts import Versions
    from cluster_tests.fronts.front import Front, Response
    from cluster_tests.tenancy.served import Unavailable

ASKED = "/asked"


@dataclass(frozen=True)
class Opened:
    """What came through the doors of one node: what was said, or what came instead.

    ``certified`` came with the service's own certificate, or it would not be there.
    """

    line: str | Unavailable
    by_host: str | Unavailable
    certified: str | Unavailable
    certified_past_the_shared_front: str | Unavailable


class DoorsPastCaddy(AnApplication):
    """Given services that name HAProxy alone; ``switch`` goes through every door of every node."""

    service = "doors"
    version: str
    opened: Mapping[str, Opened]
    expected_behind_the_doors: Opened

    def _visit(self) -> None:
        self.version = self._tenant.application.branch
        self.expected_behind_the_doors = Opened(
            line=f"plain of {self.version}: {ASKED}",
            by_host=f"plain of {self.version}: {ASKED}",
            certified=f"tls of {self.version}: {ASKED}",
            certified_past_the_shared_front=f"tls of {self.version}: {ASKED}",
        )
        self.opened = self._session.answers(
            {node: partial(self._open, front) for node, front in self._session.fronts().items()}
        )

    def _open(self, front: Front) -> Opened:
        publication = self._publication
        port, authority = publication.port, publication.certificate.public
        plain, tls = f"plain.{publication.domain}", f"tls.{publication.domain}"
        calls = (
            partial(front.exchange, port, ASKED.encode()),
            partial(_body, partial(front.http, plain, ASKED)),
            partial(_body, partial(front.https, tls, ASKED, authority)),
            partial(_body, partial(front.https, tls, ASKED, authority, port=port)),
        )
        return Opened(*(value_of(partial(_text, call)) for call in calls))


def _body(ask: Callable[[], Response]) -> bytes:
    return ask().body


def _text(ask: Callable[[], bytes]) -> str:
    return ask().decode(errors="replace")


class AQuietApplication(AnApplication):
    """Given an application without a URL, whose image the node builds; ``switch`` looks inside."""

    service = "quiet"
    version: str
    linked: str  # what the link leads to, what it reads as, and what its copy does
    through_the_link: str
    copy_of_the_link: str
    versions: Versions

    def _visit(self) -> None:
        self.version = self._tenant.application.branch
        master = self.after.master or ""
        engine = self._session.cluster.nodes[master].engine
        [container] = engine.containers(self._tenant.application)
        self.linked, self.through_the_link, self.copy_of_the_link = (
            engine.run(container.name, command).stdout
            for command in (
                ["readlink", "/srv/content/link.txt"],
                ["cat", "/srv/content/link.txt"],
                ["cat", "/srv/followed.txt"],
            )
        )
        self.versions = read_facts(self._session.inventory, engine).versions
        say(
            f"built by compose {self.versions.compose}, client {self.versions.client} (API"
            f" {self.versions.client_api}), engine {self.versions.engine} (API"
            f" {self.versions.engine_api})"
        )
        self._replicate()
