"""An application that lives on the cluster for the length of a spec, and leaves nothing behind."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, replace
from shlex import quote
from typing import TYPE_CHECKING, Protocol

from cluster_tests.errors import ClusterTestsError, NotSettledError, RefusedError, joined
from cluster_tests.evidence.keeping import Subject
from cluster_tests.expectation.oracle import Expectation
from cluster_tests.expectation.question import History, footprint
from cluster_tests.journal import Claim
from cluster_tests.model import NOWHERE, Observation, Switch
from cluster_tests.report import Progress, say
from cluster_tests.results.place import utc_text
from cluster_tests.results.values import SwitchRecord
from cluster_tests.results.verdict import Verdict
from cluster_tests.tenancy.foresight import SwitchForesight
from cluster_tests.tenancy.traces import traces

if TYPE_CHECKING:
    from cluster_tests.inventory.entries import Inventory
    from cluster_tests.model import Application, Footprint, Placement, ServiceDefinition
    from cluster_tests.services.source import ServiceSource
    from cluster_tests.session.session import Session


class Publication(Protocol):
    """A service's repository in the forge, under a name of its own."""

    application: Application
    definition: ServiceDefinition
    domain: str

    def publish(self, source: ServiceSource | None = None, **values: str) -> None:
        """Push it, or another version of it, so that the nodes can fetch it."""

    def withdraw(self) -> None:
        """Remove from the forge what ``publish`` put there; nothing to do is no error."""


@dataclass(frozen=True)
class Moved:
    """What came of a switch: the expectation, what was shown at last, and the seconds it took.

    ``started`` is when it was asked for, in seconds since 1970.
    ``failure`` is set when the cluster did not settle in time; what was shown is then no verdict
    yet, but the difference tells where to look. The session's switch log knows
    it by its ``ticket``.
    """

    switch: Switch
    expectation: Expectation
    shown: Observation
    seconds: float
    started: float
    failure: NotSettledError | None = None
    ticket: int | None = None


class Tenant:
    """One published application: moves in, is switched, and leaves.

    ``leave`` removes exactly what was created under this name, also when only half of it was.
    """

    def __init__(self, session: Session, publication: Publication) -> None:
        """Take the name of ``publication``; nothing is created yet."""
        self.publication = publication
        self.application = publication.application
        self.placement = NOWHERE
        self.since = time.time()
        self._session = session
        self._definition: ServiceDefinition | None = None
        self._deploy_id: str | None = None
        self._standing: Expectation | None = None
        self._last_event: str | None = None
        self._destroyed = False
        self._claim: str | None = None

    @property
    def deploy_id(self) -> str:
        """The event of the deploy that stands; raise ``RefusedError`` where none does."""
        if self._deploy_id is None:
            raise RefusedError(f"{self.application} was not deployed")
        return self._deploy_id

    @property
    def subject(self) -> Subject:
        """What evidence of it is about: the application, and what was asked for last."""
        return Subject(self.application, self._standing)

    @property
    def footprint(self) -> Footprint:
        """By what the traces of the version that was deployed last are told."""
        return footprint(self.application, self._definition)

    def move_in(self) -> None:
        """Publish the service, or raise ``RefusedError`` when the name is in use already."""
        session = self._session
        found = traces(session.cluster.observe(footprint(self.application)))
        if found:
            raise RefusedError(
                f"{self.application} is in use already, and not by this run: {', '.join(found)}",
                remedy="destroy it if it is yours to destroy, or use another branch",
            )
        self._claim = self._written_down()
        session.admit(self)
        self.publish()

    def publish(self, source: ServiceSource | None = None, **values: str) -> None:
        """Push the service, or another version of it; ``values`` are words for its templates."""
        with self._session.effort.own("publishing"):
            self.publication.publish(source, **values)

    def spell(self, repo_url: str) -> None:
        """From now on, ask for the application by another URL of the same repository.

        Another path makes it another application: that is for before the first deploy.
        """
        known, self.application = self._claim, replace(self.application, repo_url=repo_url)
        self._claim = self._written_down()
        if known is not None:
            self._session.journal.release(known)

    def _written_down(self) -> str:
        application = self.application
        inventory = str(self._session.inventory_path.absolute())
        return self._session.journal.claim(
            Claim(inventory, application.repo_url, application.branch)
        )

    # --- switching

    def move(self, after: Placement, *, update: bool = False) -> Moved:
        """Ask for ``after``, wait until the cluster has settled there, and look once.

        A cluster that does not settle in time raises nothing here: the sentences say what is
        wrong, and the given sees to it that the spec fails whatever they say.
        """
        switch = Switch(self.placement, after)
        asked = time.monotonic()
        with Progress(f"{switch}: asking"):
            expectation = self.ask(after, update=update)
        return self.arrive(switch, expectation, asked)

    def arrive(self, switch: Switch, expectation: Expectation, asked: float) -> Moved:
        """Wait until the cluster has settled at what was asked for last, and look once.

        ``asked`` is when that was, on the monotonic clock.
        """
        with Progress(f"{switch}: settling"):
            shown, failure = self._settle(expectation, asked)
        self._destroyed = switch.after == NOWHERE and failure is None
        self._standing = expectation
        seconds = time.monotonic() - asked
        say(f"{switch}: {'NOT settled' if failure else 'settled'} in {seconds:.1f} s")
        if failure is not None:
            for objection in failure.objections:
                say(objection)
        started = time.time() - seconds  # on the clock that results are written by
        ticket = self._session.switches.add(
            _record(switch, started, seconds, settled=failure is None)
        )
        return Moved(switch, expectation, shown, seconds, started, failure, ticket)

    def settle_again(self) -> tuple[Observation, NotSettledError | None]:
        """Wait until what was settled last is settled again, after something that was no switch.

        Gives what is shown then, and what kept it from settling. Raises ``RefusedError`` where
        nothing was settled before.
        """
        if self._standing is None:
            raise RefusedError(f"{self.application} was not deployed")
        return self._settle(self._standing)

    def foresight(self, after: Placement) -> SwitchForesight:
        """Give what will hear of the switch to ``after`` before clients feel it."""
        switch = Switch(self.placement, after)
        return SwitchForesight(self._session.cluster, self.application, switch)

    def ask(self, after: Placement, *, update: bool = False) -> Expectation:
        """Ask for ``after`` and wait for nothing."""
        definition = self.publication.definition
        before, event = self.placement, self._send(after, update=update)
        history = History(event, before, self._definition, self._deploy_id)
        self.placement, self._definition = after, definition
        self._deploy_id = None if after == NOWHERE else event
        return Expectation(self.application, definition, after, history, self._session.inventory)

    def _send(self, after: Placement, *, update: bool = False) -> str:
        cluster = self._session.cluster
        if after == NOWHERE:
            self._last_event = cluster.destroy(self.application)
        else:
            self._last_event = cluster.deploy(self.application, after, update=update)
        return self._last_event

    def _settle(
        self, expectation: Expectation, asked: float | None = None
    ) -> tuple[Observation, NotSettledError | None]:
        cluster = self._session.cluster
        try:
            return self._await(expectation, asked), None
        except NotSettledError as error:
            return cluster.observe(expectation.footprint), error

    def _await(self, expectation: Expectation, asked: float | None) -> Observation:
        """Wait until the cluster has settled; it was a switch if it was ``asked`` for."""
        waited = self._session.cluster.settle(expectation)
        if waited.unannounced:
            say(f"noticed late, because nothing told of the last change:\n{waited.unannounced}")
        if asked is not None:
            self._session.effort.switched(time.monotonic() - asked, waited.noticed)
        return waited.value

    # --- leaving

    def leave(self) -> None:
        """Remove what was created, once; calling it again does nothing.

        Every step is tried. Raises the first error, with those of the later steps as notes; the
        journal keeps the entry then.
        """
        claim, self._claim = self._claim, None
        if claim is None:
            return
        if self._session.keep:
            say(how_to_look(self._session.inventory, self.application, self.placement))
            return
        errors: list[ClusterTestsError] = []
        with Progress(f"{self.application}: removing") as progress:
            for step in (self._finish, self._end, self._remove_snapshots):
                try:
                    step()
                except ClusterTestsError as error:
                    errors.append(error)
        first = joined(errors)
        if first is not None:
            raise first
        self._session.journal.release(claim)
        say(f"{self.application}: removed in {progress.seconds:.1f} s")

    def _finish(self) -> None:
        # A destroy that overtakes a deploy would leave what the deploy creates after it.
        if self._last_event is not None:
            self._session.cluster.await_handled(self._last_event)

    def _end(self) -> None:
        # Nobody fetches anything for a destroy: the forge forgets while the nodes clear up.
        self._session.side_by_side({"destroy": self._destroy, "withdraw": self._withdraw})

    def _destroy(self) -> None:
        if self._last_event is None or self._destroyed:
            return
        asked = time.monotonic()
        event = self._send(NOWHERE)
        # As if it had been nowhere before: this is no proof that destroys keep a last snapshot.
        expectation = Expectation(
            self.application,
            self.publication.definition,
            NOWHERE,
            History(event, NOWHERE, self._definition),
            self._session.inventory,
        )
        self._await(expectation, asked)

    def _remove_snapshots(self) -> None:
        if self._last_event is not None:
            self._session.cluster.remove_snapshots(self.application)

    def _withdraw(self) -> None:
        with self._session.effort.own("withdrawing"):
            self.publication.withdraw()


def _record(switch: Switch, started: float, seconds: float, *, settled: bool) -> SwitchRecord:
    return SwitchRecord(
        before=str(switch.before),
        after=str(switch.after),
        kind=switch.kind,
        started=utc_text(started),
        seconds=round(seconds, 3),
        settled=settled,
        verdict=Verdict.PASS if settled else Verdict.FAIL,
    )


def how_to_look(inventory: Inventory, application: Application, placement: Placement) -> str:
    """Write the commands that show what was kept, and the one that removes it."""
    show = f"docker ps --all --filter label=com.docker.compose.project={application.project}"
    lines = [f"kept: {application} at {placement}"]
    nodes = [node for node in (placement.master, placement.slave) if node is not None]
    lines += [f"  look:   {inventory.nodes[node].ssh.command} {show}   # {node}" for node in nodes]
    payload = json.dumps({"repo": application.repo_url, "branch": application.branch})
    destroy = f"docker exec {inventory.names.consul} consul event -name=destroy {quote(payload)}"
    first = inventory.node_names[0]
    lines.append(f"  remove: {inventory.nodes[first].ssh.command} {quote(destroy)}")
    return "\n".join(lines)
