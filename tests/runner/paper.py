"""A cluster and a forge of paper: they write down what they are asked, and fail when told to."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Self

from cluster_tests.definition.compose import parse_definition
from cluster_tests.evidence import keeping
from cluster_tests.inventory.entries import Inventory
from cluster_tests.model import Application, NodeView, Observation
from cluster_tests.results.values import Event
from cluster_tests.tenancy.visit import record
from cluster_tests.timeline.layers import Layer
from cluster_tests.waiting.side_by_side import meanwhile, side_by_side
from cluster_tests.waiting.waiter import Waited
from cluster_tests.witness.attempts import Answer, Attempt, Outcome, What
from cluster_tests.witness.statement import Statement

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    import pytest

    from cluster_tests.cluster.replication import Replicated
    from cluster_tests.evidence.keeping import Subject
    from cluster_tests.expectation.oracle import Expectation
    from cluster_tests.model import Placement
    from cluster_tests.services.source import ServiceSource
    from cluster_tests.tenancy.watching import Earlier

NODES = ("core1", "core2", "core3", "core4")
COMPOSE = """
services:
  app:
    image: forge:5000/app:1
    environment:
      CADDYFILE: "http://app.cluster.test {\\n reverse_proxy $CONTAINER:8000\\n}"
      HAPROXY: '{"ssh-2201": {"frontend": {"mode": "tcp", "bind": ["*:2201"]},
        "backends": [{"name": "ssh", "port": 22, "peer_port": 2201}]}}'
    volumes: [data:/data, cache:/cache]
volumes:
  data: {driver: "anybox/buttervolume:latest"}
  cache: {driver: local}
"""
# Everything is tried, as in the real thing, but in turn: what was asked has an order.
_worker = ThreadPoolExecutor(max_workers=1)
in_turn = partial(side_by_side, _worker)
beside = partial(meanwhile, _worker)
FREE = Observation({node: NodeView() for node in NODES})


def an_inventory(directory: Path) -> Inventory:
    for name in ("key", "known_hosts"):
        (directory / name).touch(mode=0o600)
    nodes = {
        node: {
            "address": f"10.0.0.{number}",
            "ssh": {
                "host": "127.0.0.1",
                "user": "core",
                "identity_file": "key",
                "known_hosts": "known_hosts",
            },
        }
        for number, node in enumerate(NODES, start=1)
    }
    forge = {"fetch_url": "http://f/git", "push_url": "http://f/git", "registry": "forge:5000"}
    values = {"name": "paper", "may_change": True, "nodes": nodes, "forge": forge}
    return Inventory.model_validate(values, context={"directory": directory})


def _wrote(number: int, outcome: Outcome) -> Attempt:
    at = float(-number)  # so that the first is the last that was due
    answer = Answer(outcome)
    return Attempt(at, at, at, "core1", What.WRITE, answer, record(number, "core1"))


class PaperWitness:
    """Writes three records: one is acknowledged, one refused, one stored without a word."""

    def __init__(
        self,
        _tenant: object,
        ledgers: Mapping[str, Any],
        _after: object,
        earlier: Earlier,
        _rate: float,
    ) -> None:
        self._ledger = ledgers["core1"]
        outcomes = (Outcome.ACKNOWLEDGED, Outcome.FAILED, Outcome.UNKNOWN)
        numbers = enumerate(outcomes, start=earlier.next_number)
        self.statement = Statement(tuple(_wrote(number, outcome) for number, outcome in numbers))

    def __enter__(self) -> Self:
        for one in self.statement.acknowledged + self.statement.unknown:
            self._ledger.write(one)
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing is left to end."""


class PaperRecorder:
    """Listens to nothing, and tells of one thing."""

    def __init__(self, _cluster: object, _application: object) -> None:
        """Listen to nothing."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing is left to end."""

    def events(self, event_id: str, since: float) -> Iterator[Event]:
        yield Event(since, Layer.AGENT, f"handled {event_id}", "core1")


def keep_on_paper(cluster: PaperCluster, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let evidence be a note of the cluster's: of which context, and about which applications."""

    def evidence(_session: object, subjects: Sequence[Subject], path: Path, _: float) -> None:
        names = " ".join(sorted(each.application.branch for each in subjects))
        cluster.note(f"evidence of {path.name}: {names}")

    monkeypatch.setattr(keeping, "keep_evidence", evidence)


@dataclass
class PaperCluster:
    """Writes down what it is asked.

    ``fails`` maps a method's name to what it raises, ``fails_once`` to what it raises next time.
    """

    shows: Observation = FREE
    unannounced: str = ""
    asked: list[tuple[Any, ...]] = field(default_factory=list)
    fails: dict[str, Exception] = field(default_factory=dict)
    fails_once: dict[str, Exception] = field(default_factory=dict)

    def note(self, name: str, *arguments: object) -> None:
        self.asked.append((name, *arguments))
        if name in self.fails_once:
            raise self.fails_once.pop(name)
        if name in self.fails:
            raise self.fails[name]

    def observe(self, _footprint: object) -> Observation:
        return self.shows

    def deploy(
        self, _application: Application, placement: Placement, *, update: bool = False
    ) -> str:
        self.note("deploy", str(placement), *(["update"] if update else []))
        return f"e{len(self.asked)}"

    def destroy(self, _application: Application) -> str:
        self.note("destroy")
        return f"e{len(self.asked)}"

    def settle(self, expectation: Expectation) -> Waited[Observation]:
        self.note("settle", str(expectation.placement), expectation.history)
        return Waited(self.shows, 1.0, 0.1, 0.1, 1, 0, self.unannounced)

    def replicate(self, _shown: Observation, master: str) -> dict[str, Replicated]:
        self.note("replicate", master)
        return {}

    def await_handled(self, event: str) -> None:
        self.note("await_handled", event)

    def remove_snapshots(self, _application: Application) -> None:
        self.note("remove_snapshots")

    @property
    def names(self) -> list[str]:
        return [name for name, *_ in self.asked]


class PaperPublication:
    definition = parse_definition(COMPOSE)

    def __init__(self, cluster: PaperCluster, branch: str = "b1") -> None:
        self.application = Application("http://forge/git/ledger", branch)
        self._cluster = cluster

    def publish(self, _source: ServiceSource | None = None) -> None:
        self._cluster.note("publish")

    def withdraw(self) -> None:
        self._cluster.note("withdraw")
