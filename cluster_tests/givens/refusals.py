"""Base contexts for events that must change nothing: refused, or not to be carried out.

An application runs beside another one. An event is sent, and once every node has handled it, all
that the cluster shows is compared with what it showed before. Then a good deploy must work.
"""

from __future__ import annotations

import json
import secrets
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from cluster_tests.cluster.sabotage import no_more_snapshots
from cluster_tests.errors import EventTooLargeError
from cluster_tests.givens.applications import ARunningApplication
from cluster_tests.givens.handed_on import AnApplicationHandedOn
from cluster_tests.model import Application, Footprint, Placement, Switch
from cluster_tests.report import Progress
from cluster_tests.tenancy.tenant import Tenant
from cluster_tests.tenancy.traces import traces

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from cluster_tests.model import Observation
    from cluster_tests.session.session import Session
    from cluster_tests.tenancy.served import Served
    from cluster_tests.tenancy.tenant import Moved

_NEIGHBOURS_PLACE = Placement("core4", "core3")


@dataclass(frozen=True)
class Look:
    """All that the cluster shows, of the application and of every other one, by name."""

    application: Observation
    others: Mapping[str, Observation]


@dataclass(frozen=True)
class Asked:
    """A good deploy but for some fields, None for one that is left out; what an error names."""

    what: str
    about: str
    changes: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Sent:
    """An event as it is sent, well-formed or not; what an error names."""

    what: str
    about: str
    payload: str
    name: str = "deploy"


class AnUndisturbedApplication(AnApplicationHandedOn):
    """Given a running application beside another one that must not notice anything.

    The next spec goes on with it: each ends with a good deploy of the plain version.
    """

    before: ClassVar[Placement] = Placement("core1", "core2")

    # what a clear error names
    about: str
    # every node's errors for the event
    complaints: Mapping[str, tuple[str, ...]]
    # before the event, and once it was handled
    was: Look
    stayed: Look
    served_meanwhile: Mapping[str, Served]
    # what our own client said, and the events that Consul knew then and afterwards
    refusal: str | None
    remembered: frozenset[str]
    remembered_after: frozenset[str]
    # how often the sabotage refused a snapshot
    refused_connections: int
    # what is found of something that never was
    traces: list[str]
    # all that every node logged of the standing deploy
    told_before: Mapping[str, tuple[str, ...]]
    told_after: Mapping[str, tuple[str, ...]]

    _neighbour: Tenant
    _published_variant = False

    def given_another_application(self) -> None:
        """Have a neighbour: the same for all specs of a run, for nobody may change it."""
        self._neighbour = self._session.resident("neighbour", lambda: _move_in(self._session))

    def attempt(self, name: str, payload: str, about: str) -> None:
        """Send an event that must change nothing; ``about`` is what a clear error must name."""
        self.about = about
        cluster = self._session.cluster
        self.was = self._look()
        with Progress(f"the event {name}: handling"):
            event = cluster.send(name, payload)
            cluster.await_handled(event)
        self.complaints = cluster.errors(event)
        self._look_again()

    def attempt_deploy(self, about: str, **changes: object) -> None:
        """Ask for the deploy that is there already, but for ``changes``; None leaves a key out."""
        self.attempt("deploy", json.dumps(self.good_request(**changes)), about)

    def attempt_too_large(self, branch: str) -> None:
        """Ask for a deploy that Consul could not carry."""
        cluster, repo_url = self._session.cluster, self._tenant.application.repo_url
        self.was = self._look()
        self.remembered = frozenset(cluster.consul.events())
        self.refusal = None
        try:
            cluster.deploy(Application(repo_url, branch), self.before)
        except EventTooLargeError as error:
            self.refusal = error.message
        self._look_again()

    def deploy_again_and_recall(self) -> None:
        """Deploy the plain version, and read which events Consul knows besides that one.

        An agent lists events in the order they were sent in: one that was sent before is there now.
        """
        self.deploy_again()
        events = self._session.cluster.consul.events()
        self.remembered_after = frozenset(events) - {self._tenant.deploy_id}

    def attempt_transfer(self, master: str, about: str) -> None:
        """Ask for another master, which takes one snapshot of each volume and no more.

        Those are sent while the old master still serves: it has stopped when the rest is refused.
        """
        inventory, definition = self._session.inventory, self._tenant.publication.definition
        volumes = definition.volumes_on(inventory.names.volume_driver)
        engine = self._session.cluster.nodes[master].engine
        with no_more_snapshots(engine, inventory, after=len(volumes)) as refusals:
            self.attempt_deploy(about, master=master)
        self.refused_connections = refusals.count

    def attempt_unknown(self, key: str, name: str) -> None:
        """Ask for a ``repo`` or ``branch`` called ``name``, which does not exist."""
        inventory, ours = self._session.inventory, self._tenant.application
        value = f"{inventory.forge.fetch_url}/{name}" if key == "repo" else name
        self.attempt_deploy(name, **{key: value})
        names = {"repo": ours.repo_url, "branch": ours.branch, key: value}
        asked_for = Application(names["repo"], names["branch"])
        self.traces = traces(self._session.cluster.observe(Footprint(asked_for)))

    def deliver_again(self) -> None:
        """Hand the event of the standing deploy over to all agents a second time."""
        cluster, event = self._session.cluster, self._tenant.deploy_id
        self.was, self.told_before = self._look(), cluster.told(event)
        cluster.deliver_again(event)
        cluster.await_handled(event)
        self.told_after = cluster.told(event)
        self._look_again()

    def good_request(self, **changes: object) -> dict[str, Any]:
        """Write what a deploy asks for, but for ``changes``; None leaves a key out."""
        application = self._tenant.application
        request = {
            "repo": application.repo_url,
            "branch": application.branch,
            "master": self.before.master,
            "slave": self.before.slave,
            **changes,
        }
        return {key: value for key, value in request.items() if value is not None}

    @property
    def neighbours_domain(self) -> str:
        """The domain that the other application serves."""
        return self._neighbour.publication.domain

    def publish(self, variant: str, **values: str) -> None:
        """Publish another version (fixtures/services/ledger/variants)."""
        self._published_variant = True
        version = self._session.version(self.service, variant)
        self._tenant.publish(version, **values)

    def deploy_again(self) -> None:
        """Deploy the plain version, and read everything."""
        if self._published_variant:
            self._tenant.publish(self._session.version(self.service))
        self._switch_to(self.before)

    @property
    def _company(self) -> Iterator[Tenant]:
        yield from super()._company
        if hasattr(self, "_neighbour"):
            yield self._neighbour

    def _move(self, placement: Placement) -> Moved:
        # Nobody writes meanwhile: what was served after the refusal is compared with all that was
        # written, and the good deploy comes later.
        return self._tenant.move(placement, update=self.update)

    def _visit(self) -> None:
        # No switch has brought it anywhere: it is to be found where it was.
        self._write_and_read()

    def _look_again(self) -> None:
        application, self._failure = self._tenant.settle_again()
        self.stayed = Look(
            application, self._session.cluster.observe_others(self._tenant.application)
        )
        self._write_and_read()
        self.served_meanwhile = self.served
        self.written += self.written_after

    def _look(self) -> Look:
        cluster = self._session.cluster
        return Look(
            cluster.observe(self._tenant.footprint),
            cluster.observe_others(self._tenant.application),
        )


class AnOvertakenDeploy(ARunningApplication):
    """Given a running application, and an operator who does not wait for one deploy to end."""

    # the event that was overtaken, and what the record said once the next one was sent
    first: str
    deploy_id_meanwhile: object
    complaints: Mapping[str, tuple[str, ...]]

    def switch_twice(self, first: Placement) -> None:
        """Ask for ``first`` and at once for ``after``; wait until the latter has settled."""
        cluster, tenant = self._session.cluster, self._tenant
        self.first = tenant.ask(first).history.event_id
        asked = time.monotonic()
        expectation = tenant.ask(self.after)
        record = cluster.consul.record(tenant.application)
        self.deploy_id_meanwhile = record and record["deploy_id"]
        self._arrived(tenant.arrive(Switch(first, self.after), expectation, asked))
        self.complaints = cluster.errors(self.first)


def _move_in(session: Session) -> Tenant:
    publication = session.plan("ledger", f"spec-{secrets.token_hex(3)}")
    neighbour = Tenant(session, publication)
    neighbour.move_in()
    moved = neighbour.move(_NEIGHBOURS_PLACE)
    if moved.failure is not None:
        raise moved.failure
    return neighbour
