"""A stage on paper: one application for many steps, and a new one when it was given up."""

from __future__ import annotations

from contextlib import nullcontext
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Self

import pytest

from cluster_tests.effort import Effort
from cluster_tests.errors import ClusterError, NotSettledError
from cluster_tests.fronts.ledger import Record
from cluster_tests.model import NOWHERE, Kind, Placement, Switch
from cluster_tests.results.switch_log import SwitchLog
from cluster_tests.tenancy.served import Departed, Served, Unavailable
from cluster_tests.tenancy.visit import Visit
from cluster_tests.tour import stage as staging
from cluster_tests.tour.stage import Stage
from cluster_tests.witness.attempts import Answer, Attempt, Outcome, What
from cluster_tests.witness.statement import Statement

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from cluster_tests.tenancy.telling import Learnt
    from cluster_tests.tenancy.watching import Earlier

ONE, TWO = Placement("core1"), Placement("core2")


class PaperWitness:
    """Saw what it is told to have seen."""

    def __init__(self, statement: Statement) -> None:
        self.statement = statement

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing is left to end."""


class Paper:
    """A tenant, its ledgers and the visits to them, all of paper."""

    def __init__(self) -> None:
        self.log: list[str] = []
        self.placement = NOWHERE
        self.application = "ledger"
        self.failure: NotSettledError | None = None
        self.refusal: Unavailable | None = None
        self.records: list[Record] = []
        self.cache: bytes | None = None
        self.closed = True
        self.tried: list[Attempt] = []
        self.learnt: list[Learnt] = []
        self.told = self.learnt.append

    def move_in(self) -> None:
        self.log.append("moved in")

    def leave(self) -> None:
        self.log.append("left")

    def move(self, after: Placement) -> Any:  # noqa: ANN401 - a Moved of paper
        switch = Switch(self.placement, after)
        self.log.append(str(switch))
        if switch.before.master != after.master:
            self.cache = None
        self.placement = after
        return SimpleNamespace(switch=switch, failure=self.failure, started=1.0, seconds=2.0)

    def watch(
        self, _tenant: object, _ledgers: object, _after: object, earlier: Earlier
    ) -> PaperWitness:
        self.log.append(f"watched from {earlier.next_number}")
        return PaperWitness(Statement(tuple(self.tried)))

    def write_cache(self, content: bytes) -> None:
        self.cache = content

    def visit(self, _caller: object, _ledgers: object, *, first: int) -> Visit:
        self.records.append(Record(first, "text"))
        found = frozenset(record.found for record in self.records)
        served = Served(self.refusal, found, found, self.cache)
        return Visit({"core1": self.records[-1]}, {"core1": served})

    def find_nobody(self, _caller: object, _ledgers: object) -> dict[str, Departed]:
        self.records.clear()
        return {"core1": Departed((503, b""), (503, b""), refuses_ssh=self.closed)}


@pytest.fixture
def paper(monkeypatch: pytest.MonkeyPatch) -> Paper:
    paper = Paper()

    def tenant(_session: object, _publication: object) -> Paper:
        paper.placement = NOWHERE
        paper.records.clear()
        return paper

    monkeypatch.setattr(staging, "Tenant", tenant)
    monkeypatch.setattr(staging, "visit", paper.visit)
    monkeypatch.setattr(staging, "witness_of", paper.watch)
    monkeypatch.setattr(staging, "Recorder", lambda _cluster, _application: nullcontext())
    monkeypatch.setattr(staging, "tell", lambda _session, _moved, learnt, _: paper.told(learnt))
    monkeypatch.setattr(staging, "traced", lambda *_: ())
    monkeypatch.setattr(staging, "find_nobody", paper.find_nobody)
    return paper


@pytest.fixture
def complaints() -> dict[str, str]:
    return {"core1": ""}


@pytest.fixture
def stage(paper: Paper, complaints: dict[str, str]) -> Stage:
    def in_turn(calls: Mapping[str, Callable[[], Any]]) -> dict[str, Any]:
        return {key: call() for key, call in calls.items()}

    session: Any = SimpleNamespace(
        plan=lambda _service, _branch: None,
        ledgers=lambda _publication: {"core1": paper},
        side_by_side=in_turn,
        switches=SwitchLog(),
        effort=Effort(),
        haproxy_complaints=lambda: complaints,
        inventory=SimpleNamespace(budgets={Kind.MOVE_ALONE: 5.0}),
        cluster=SimpleNamespace(
            remove_snapshots=lambda application: paper.log.append(f"snapshots of {application}")
        ),
    )
    return Stage(session)


def test_one_application_makes_many_steps(stage: Stage, paper: Paper) -> None:
    for before, after in ((NOWHERE, ONE), (ONE, ONE), (ONE, TWO), (TWO, NOWHERE), (NOWHERE, TWO)):
        stage.stand_at(before)
        assert stage.step(after).complaints == ()
    assert paper.log == [
        "moved in",
        "nowhere => core1",
        "watched from 2",
        "core1 => core1",
        "watched from 3",
        "core1 => core2",
        "watched from 4",
        "core2 => nowhere",
        "snapshots of ledger",
        "nowhere => core2",
    ]
    stage.clear()
    stage.clear()
    assert paper.log[-1] == "left"
    assert paper.log.count("left") == 1


def test_after_a_failure_a_new_application_is_brought_to_where_the_next_step_begins(
    stage: Stage, paper: Paper
) -> None:
    stage.stand_at(NOWHERE)
    stage.clear()
    stage.stand_at(TWO)
    assert paper.log == ["moved in", "left", "moved in", "nowhere => core2"]
    assert stage.step(ONE).complaints == ()


def test_what_does_not_get_there_or_does_not_serve_there_is_no_beginning(
    stage: Stage, paper: Paper
) -> None:
    paper.refusal = Unavailable("503")
    with pytest.raises(ClusterError, match="a new application at core1:\ncore1: a write was"):
        stage.stand_at(ONE)
    paper.failure = NotSettledError("late")
    stage.clear()
    with pytest.raises(NotSettledError, match="late"):
        stage.stand_at(TWO)


def test_everything_that_is_wrong_is_told(
    stage: Stage, paper: Paper, complaints: dict[str, str]
) -> None:
    stage.stand_at(NOWHERE)
    stage.step(ONE)
    paper.failure = NotSettledError("late")
    paper.refusal = Unavailable("503")
    complaints["core1"] = "no such backend"
    stepped = stage.step(TWO)
    assert stepped.complaints == (
        "late",
        "core1: haproxy -c: no such backend",
        "core1: a write was refused: 503",
    )


def test_a_lost_record_is_told_until_the_application_begins_anew(
    stage: Stage, paper: Paper
) -> None:
    stage.stand_at(NOWHERE)
    stage.step(ONE)
    paper.records.clear()
    assert any("record 1 is lost" in each for each in stage.step(TWO).complaints)
    assert stage.step(NOWHERE).complaints == ()
    assert stage.step(ONE).complaints == ()


def test_a_destroyed_application_that_answers_is_told(stage: Stage, paper: Paper) -> None:
    stage.stand_at(NOWHERE)
    stage.step(ONE)
    paper.closed = False
    [complaint] = stage.step(NOWHERE).complaints
    assert "core1: of a destroyed application" in complaint


def tried(planned: float, outcome: Outcome, what: What = What.READ, number: int = 0) -> Attempt:
    record = Record(number, "text")
    return Attempt(planned, planned, planned, "core1", what, Answer(outcome), record)


def test_what_was_acknowledged_meanwhile_must_be_there(stage: Stage, paper: Paper) -> None:
    stage.stand_at(NOWHERE)
    stage.step(ONE)
    paper.tried = [tried(0, Outcome.ACKNOWLEDGED, What.WRITE, 2)]
    complaints = stage.step(TWO).complaints
    assert sum("record 2 is lost" in each for each in complaints) == 2  # over both ways


def test_what_was_unknown_in_an_earlier_step_may_be_there_for_ever(
    stage: Stage, paper: Paper
) -> None:
    stage.stand_at(NOWHERE)
    stage.step(ONE)
    paper.tried = [tried(0, Outcome.UNKNOWN, What.WRITE, 2)]
    paper.records.append(Record(2, "text"))
    stage.step(TWO)
    paper.tried = [tried(9, Outcome.ACKNOWLEDGED)]
    assert stage.step(ONE).complaints == ()
    counted = [tally.unexpected for learnt in paper.learnt if (tally := learnt.tally())]
    assert counted == [0, 0]


def test_a_step_that_is_away_for_too_long_is_told(stage: Stage, paper: Paper) -> None:
    stage.stand_at(NOWHERE)
    stage.step(ONE)
    times = ((0, Outcome.ACKNOWLEDGED), (1, Outcome.FAILED), (7, Outcome.ACKNOWLEDGED))
    paper.tried = [tried(*each) for each in times]
    [complaint] = stage.step(TWO).complaints
    assert complaint.startswith("core1: http away 6.00 s")
    assert complaint.endswith("at most 5 s")
    assert stage.step(TWO).complaints == ()  # this kind has no budget here
