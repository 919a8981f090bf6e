"""A session: an inventory's cluster with everything that leads to it, open and ready."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from cluster_tests.cluster.cluster import Cluster
from cluster_tests.effort import Effort
from cluster_tests.expectation.record import binds_of
from cluster_tests.fronts.front import Front
from cluster_tests.fronts.ledger import Ledger
from cluster_tests.inventory.file import load_inventory
from cluster_tests.journal import Journal
from cluster_tests.proxies.complaints import haproxy_complaint
from cluster_tests.proxies.haproxy_config import parse_haproxy, ports_of
from cluster_tests.report import say
from cluster_tests.results.place import evidence_root, journal_path, results_root
from cluster_tests.results.switch_log import SwitchLog
from cluster_tests.services.kept_ssh import kept_connection
from cluster_tests.services.publisher import Publisher
from cluster_tests.services.source import load_source
from cluster_tests.session.access import sockets_directory
from cluster_tests.session.links import Links
from cluster_tests.waiting.side_by_side import meanwhile, side_by_side

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from concurrent.futures import Future
    from contextlib import AbstractContextManager

    from cluster_tests.inventory.entries import Inventory
    from cluster_tests.services.git import RefKind
    from cluster_tests.services.publisher import Publication
    from cluster_tests.services.source import ServiceSource

_SERVICES = Path(__file__).parents[2] / "fixtures" / "services"
_SIDE_BY_SIDE = 16  # calls at one time; they wait for the nodes rather than for us
T = TypeVar("T")


class Guest(Protocol):
    """Something the session's user created on the cluster."""

    def leave(self) -> None:
        """Remove it all; calling it again does nothing."""


@dataclass
class Session:
    """What the specs of a run share. ``keep`` asks to leave what they created."""

    inventory_path: Path
    inventory: Inventory
    links: Links
    cluster: Cluster
    publisher: Publisher
    journal: Journal
    keep: bool
    _executor: ThreadPoolExecutor
    _resources: ExitStack
    _guests: list[Guest] = field(default_factory=list)
    _residents: dict[str, Any] = field(default_factory=dict)
    effort: Effort = field(default_factory=Effort)
    switches: SwitchLog = field(default_factory=SwitchLog)
    _evidence_root: Path | None = None
    _evidence: Path | None = None

    def admit(self, guest: Guest) -> None:
        """Remember ``guest``: it leaves at the latest when the session closes."""
        self._guests.append(guest)

    def resident(self, name: str, move_in: Callable[[], T]) -> T:
        """Give what all specs of the run share under ``name``; ``move_in`` makes it, once."""
        if name not in self._residents:
            self._residents[name] = move_in()
        resident: T = self._residents[name]
        return resident

    def plan(
        self, service: str, branch: str, variant: str = "", kind: RefKind = "heads"
    ) -> Publication:
        """Give a version of ``service`` a name, a domain and a port; create nothing."""
        with self.effort.own("planning"):
            source = self.version(service, variant)
            return self.publisher.plan(source, branch, taken=self._ports_in_use(), kind=kind)

    def fronts(self) -> dict[str, Front]:
        """Reach every node's front."""
        return {
            node: Front(
                node,
                partial(self.links.front_address, node),
                self.inventory.deadlines.answer,
                self.links.front_way(node),
            )
            for node in self.inventory.nodes
        }

    def version(self, service: str, variant: str = "") -> ServiceSource:
        """Load ``service`` (of fixtures/services), or a variant of it."""
        source = load_source(_SERVICES / service)
        return source.variant(variant) if variant else source

    def ledgers(self, publication: Publication) -> dict[str, Ledger]:
        """Reach a published ledger through every node's front."""
        return {
            node: Ledger(
                front,
                publication.domain,
                publication.application.branch,
                publication.port,
                publication.keys,
            )
            for node, front in self.fronts().items()
        }

    def side_by_side(self, calls: Mapping[str, Callable[[], T]]) -> dict[str, T]:
        """Run ``calls`` at one time and return their values by key; no error is lost."""
        return side_by_side(self._executor, calls)

    def belong_to(self, run: Path) -> None:
        """Be part of the run whose results are in this directory, which is named by its ID."""
        self._evidence_root = evidence_root(run)
        self.journal.run = run.name

    def evidence_directory(self, what: str) -> Path:
        """Name a directory of its own for the evidence of a failure; it is not made yet.

        Where there is no run that it belongs to, it is beside those of all runs.
        """
        root = self._evidence_root or evidence_root(results_root(os.environ))
        self._evidence = root / f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{what}"
        return self._evidence

    @property
    def has_evidence(self) -> bool:
        """Whether a directory for evidence was named since it was taken last."""
        return self._evidence is not None

    def take_evidence(self) -> Path | None:
        """Return where evidence was kept since this was asked last; None where none was."""
        named, self._evidence = self._evidence, None
        return named if named is not None and named.is_dir() else None

    def answers(self, calls: Mapping[str, Callable[[], T]]) -> dict[str, T]:
        """Run ``calls`` as ``side_by_side`` does; they do nothing but wait for what nodes serve."""
        with self.effort.cluster("answering"):
            return self.side_by_side(calls)

    def meanwhile(self, call: Callable[[], T]) -> AbstractContextManager[Future[T]]:
        """Run ``call`` while a block runs; the future holds what came of it."""
        return meanwhile(self._executor, call)

    def haproxy_complaints(self) -> dict[str, str]:
        """Ask every node's HAProxy whether it accepts its configuration; "" where it does."""
        with self.effort.own("checking configurations"):
            return self.side_by_side(
                {
                    name: partial(haproxy_complaint, self.inventory, node.engine)
                    for name, node in self.cluster.nodes.items()
                }
            )

    def close(self) -> None:
        """Let all guests leave, then close everything; calling it again does nothing.

        Every step is tried whatever the others raise; the first error is raised in the end.
        """
        with ExitStack() as stack:
            stack.push(self._resources.pop_all())
            while self._guests:
                stack.callback(self._guests.pop(0).leave)

    def _ports_in_use(self) -> set[int]:
        # Whoever opened them: HAProxy could not bind one of these a second time. An application
        # in maintenance is in no configuration, and its record claims its ports all the same.
        names, paths = self.inventory.names, self.inventory.paths
        engine = next(iter(self.cluster.nodes.values())).engine
        config = parse_haproxy(engine.read_file(names.haproxy, paths.haproxy_config).decode())
        records = self.cluster.consul.all_records().values()
        return ports_of(
            chain(
                (bind for front in config.fronts for bind in front.binds),
                (bind for record in records for bind in binds_of(record)),
            )
        )


def open_session(
    inventory_path: Path, *, keep: bool = False, tell: Callable[[str], None] = say
) -> Session:
    """Open everything an inventory leads to; nothing stays open when one part fails.

    ``tell`` is told what people should know of the ways to the nodes, a line at a time.
    Raises ``InventoryError``, ``RefusedError`` for a cluster that may not be changed, and
    ``HarnessError`` with every node and service that does not answer.
    """
    effort = Effort()
    with effort.own("connecting"), ExitStack() as stack:
        inventory = load_inventory(inventory_path)
        inventory.require_may_change("run specs")
        executor = stack.enter_context(ThreadPoolExecutor(_SIDE_BY_SIDE, "session"))
        links = Links(inventory)
        stack.callback(links.close)
        links.open()
        if links.fallbacks:
            tell(links.fallbacks)
        sockets = {node: links.engine_socket(node) for node in inventory.nodes}
        ways = {node: links.way(node) for node in inventory.nodes}
        cluster = stack.enter_context(
            Cluster(inventory, sockets, links.consul_address(), effort, ways)
        )
        forge_sockets = Path(stack.enter_context(sockets_directory()))
        kept = stack.enter_context(kept_connection(forge_sockets))
        return Session(
            inventory_path=inventory_path,
            inventory=inventory,
            links=links,
            cluster=cluster,
            publisher=Publisher(inventory, kept),
            journal=Journal(journal_path(os.environ)),
            keep=keep,
            effort=effort,
            _executor=executor,
            _resources=stack.pop_all(),
        )
