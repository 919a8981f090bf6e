"""Base context for migrations: one application gets the data of another, which goes on serving."""

from __future__ import annotations

import secrets
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from cluster_tests.errors import NodeError, joined
from cluster_tests.fronts.asking import Asking
from cluster_tests.givens.applications import ARunningApplication
from cluster_tests.givens.leaving import gone
from cluster_tests.givens.refusals import Look
from cluster_tests.givens.scripts import arguments_of, noted
from cluster_tests.report import Progress
from cluster_tests.tenancy.tenant import Tenant
from cluster_tests.tenancy.visit import read, records

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from cluster_tests.errors import ClusterTestsError
    from cluster_tests.fronts.asking import Failure
    from cluster_tests.fronts.ledger import Ledger, Record
    from cluster_tests.model import Placement
    from cluster_tests.tenancy.served import Served

# The source's records are numbered from here on, so that nobody takes one for the target's.
_FIRST_OF_SOURCE = 101


class AMigration(ARunningApplication):
    """Given two running applications with records: the target, on ``before``, and a source.

    ``notes`` are directories in the container of either, by application: a volume that stays out
    of migrations, and one that the other does not have. A note in each says whose it was.
    """

    variant: ClassVar[str] = "scripted"
    source_variant: ClassVar[str] = "migrated"
    source_at: ClassVar[Placement]
    notes: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "target": ("/srv/kept", "/srv/theirs"),
        "source": ("/srv/kept", "/srv/ours"),
    }

    # all that was shown of both before and after: of the target, and by name of every other one
    was: Look
    stayed: Look
    # what every node served of each afterwards, before anything was written
    target_served: Mapping[str, Served]
    source_served: Mapping[str, Served]
    source_written: tuple[Record, ...]
    # how often the source was asked through each node meanwhile, and what went wrong
    asked: Mapping[str, int]
    failures: tuple[Failure, ...]
    complaints: Mapping[str, tuple[str, ...]]
    # by application and directory
    notes_found: Mapping[tuple[str, str], str]
    scripts: tuple[str, ...]
    own_arguments: str
    source_arguments: str

    _source: Tenant
    _source_ledgers: Mapping[str, Ledger]

    def given_a_source_with_records_of_its_own(self) -> None:
        """Deploy the source, write through every node, and leave notes in the volumes of both."""
        session = self._session
        publication = session.plan(
            self.service, f"spec-{secrets.token_hex(3)}", self.source_variant
        )
        self._source = Tenant(session, publication)
        self._source.move_in()
        moved = self._source.move(self.source_at)
        if moved.failure is not None:
            raise moved.failure
        self._source_ledgers = session.ledgers(publication)
        first = records(self._source_ledgers, first=_FIRST_OF_SOURCE)
        session.answers(
            {node: partial(self._source_ledgers[node].write, first[node]) for node in first}
        )
        self.source_written = tuple(first.values())
        for whose, directory in self._places():
            self._inside(whose, "sh", "-c", f"echo the {whose} > {directory}/note")

    def migrate(self, *, update: bool | None = None) -> None:
        """Migrate while the source is asked through every node; then read all there is."""
        session, cluster = self._session, self._session.cluster
        self.was = self._look()
        calls = {(node, "source"): ledger.read_all for node, ledger in self._source_ledgers.items()}
        with Asking(calls) as asking, Progress("migrating"):
            event = cluster.migrate(
                self._source.application, self._tenant.application, update=update
            )
            cluster.await_handled(event)
            self._failure = self._tenant.settle_again()[1] or self._source.settle_again()[1]
            asking.ask_all_once_more()
        self.asked = {node: count for (node, _), count in asking.asked.items()}
        self.failures = asking.failures
        self.complaints = cluster.errors(event)
        self.stayed = self._look()
        self.target_served = read(session, self._ledgers)
        self.source_served = read(session, self._source_ledgers)
        self.notes_found = {
            (whose, directory): self._read_note(whose, directory)
            for whose, directory in self._places()
        }
        self.scripts = noted(session, self._tenant)
        self.own_arguments = arguments_of(self._tenant)
        source = self._source.application
        self.source_arguments = f"-R {source.url} -B {source.branch}"

    def _leave(self) -> ClusterTestsError | None:
        source: Tenant | None = getattr(self, "_source", None)
        left = gone(source.leave) if source is not None else None
        return joined([left, super()._leave()])

    @property
    def _company(self) -> Iterator[Tenant]:
        yield from super()._company
        if hasattr(self, "_source"):
            yield self._source

    def _look(self) -> Look:
        cluster, tenant = self._session.cluster, self._tenant
        return Look(cluster.observe(tenant.footprint), cluster.observe_others(tenant.application))

    def _places(self) -> list[tuple[str, str]]:
        return [(whose, place) for whose, places in self.notes.items() for place in places]

    def _read_note(self, whose: str, directory: str) -> str:
        # A note that is gone, or a source that was stopped: sentences are about that, and it is no
        # reason to judge nothing.
        try:
            return self._inside(whose, "cat", f"{directory}/note")
        except NodeError as error:
            return error.message

    def _inside(self, whose: str, *command: str) -> str:
        tenant = self._tenant if whose == "target" else self._source
        engine = self._session.cluster.nodes[tenant.placement.master or ""].engine
        [name] = [
            each.name for each in engine.containers(tenant.application) if each.service == "app"
        ]
        done = engine.run(name, command)
        if done.exit_code != 0:
            raise NodeError(engine.node, f"{name}: {' '.join(command)}: {done.stderr.strip()}")
        return done.stdout.strip()


class AFailingMigration(AMigration):
    """Given two running applications, and a version of the target that cannot be migrated."""

    variant: ClassVar[str] = ""
    source_variant: ClassVar[str] = ""
    notes: ClassVar[Mapping[str, tuple[str, ...]]] = {}

    # what a clear error names
    about: str

    def deploy_version(self, variant: str) -> None:
        """Deploy another version of the target, where it is."""
        version = self._session.version(self.service, variant)
        self._tenant.publish(version)
        moved = self._tenant.move(self.before)
        if moved.failure is not None:
            raise moved.failure
