"""A tour on paper: it goes on after a failure, keeps the evidence, and leaves nothing behind."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from cluster_tests.errors import ClusterTestsError, HarnessError, NotSettledError
from cluster_tests.model import NOWHERE, Placement
from cluster_tests.plugin.interrupts import Interrupted, interrupts
from cluster_tests.results.verdict import Verdict
from cluster_tests.tour import tour as walking
from cluster_tests.tour.paper import Plan
from cluster_tests.tour.plan import kinds_circuit
from cluster_tests.tour.stage import Stepped
from cluster_tests.tour.tour import Tour

if TYPE_CHECKING:
    from pathlib import Path

NODES = ("core1", "core2", "core3", "core4")
PLAN = Plan("kinds", 1, NODES, tuple(kinds_circuit(NODES, 1)))


class PaperStage:
    """Writes down where it stands; ``breaks`` maps the number of a step to what goes wrong."""

    def __init__(self) -> None:
        self.breaks: dict[int, ClusterTestsError | str] = {}
        self.clearing: dict[int, ClusterTestsError] = {}
        self.log: list[str] = []
        self.made = 0
        self.place: Placement | None = None

    def stand_at(self, placement: Placement) -> None:
        if self.place != placement:
            self.log.append(f"new at {placement}")
            self.place = placement

    def step(self, after: Placement) -> Stepped:
        self.made += 1
        wrong = self.breaks.get(self.made, "")
        if isinstance(wrong, ClusterTestsError):
            raise wrong
        self.place = after
        moved: Any = SimpleNamespace(seconds=1.5)
        return Stepped(moved, (wrong,) if wrong else ())

    def keep_evidence(self, directory: Path) -> None:
        self.log.append(f"evidence in {directory.name}")

    def clear(self) -> None:
        self.log.append("cleared")
        self.place = None
        if self.made in self.clearing:
            raise self.clearing[self.made]


@pytest.fixture
def stage() -> PaperStage:
    return PaperStage()


@pytest.fixture
def tour(stage: PaperStage, tmp_path: Path) -> Tour:
    return make(stage, tmp_path)


def make(stage: PaperStage, directory: Path, first: int = 1) -> Tour:
    session: Any = SimpleNamespace()
    paper: Any = stage
    return Tour(session, paper, PLAN, directory, first=first)


def test_all_steps_are_made_in_order_with_one_application(tour: Tour, stage: PaperStage) -> None:
    tour.run()
    assert [result.switch for result in tour.results] == list(PLAN.steps)
    assert {result.verdict for result in tour.results} == {Verdict.PASS}
    assert stage.log == ["new at nowhere", "cleared"]


def test_each_step_is_announced_with_its_number_and_the_time_that_is_left(
    tour: Tour, capsys: pytest.CaptureFixture[str]
) -> None:
    tour.run()
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"1/19 {PLAN.steps[0].kind}: {PLAN.steps[0]}"
    assert lines[1].startswith(f"2/19 {PLAN.steps[1].kind}: {PLAN.steps[1]}   0:00 min left")


def test_a_failing_step_keeps_its_evidence_and_the_tour_goes_on_with_a_new_application(
    tour: Tour, stage: PaperStage
) -> None:
    stage.breaks[3] = "core2: over SSH: record 7 is lost"
    tour.run()
    assert len(tour.results) == 19
    failed = tour.results[2]
    assert failed.verdict is Verdict.FAIL
    again = f"new at {PLAN.steps[3].before}"
    assert stage.log == ["new at nowhere", "evidence in step-003", "cleared", again, "cleared"]
    assert failed.evidence is not None
    text = (failed.evidence / "failure.txt").read_text()
    assert f"step 3: {failed.switch.kind}" in text
    assert "record 7 is lost" in text


def test_a_cluster_that_does_not_get_there_fails_the_step(tour: Tour, stage: PaperStage) -> None:
    stage.breaks[1] = NotSettledError("late")
    tour.run()
    assert tour.results[0].verdict is Verdict.FAIL
    assert tour.results[1].verdict is Verdict.PASS


def test_a_broken_harness_is_no_verdict(tour: Tour, stage: PaperStage) -> None:
    stage.breaks[2] = HarnessError("the tunnel broke")
    tour.run()
    assert tour.results[1].verdict is Verdict.UNKNOWN
    assert [each.verdict for each in tour.results].count(Verdict.PASS) == 18


def test_a_cluster_that_is_gone_ends_the_tour(tour: Tour, stage: PaperStage) -> None:
    stage.breaks.update(dict.fromkeys(range(4, 20), HarnessError("no route")))
    with pytest.raises(HarnessError, match="3 steps in a row could not be judged"):
        tour.run()
    assert len(tour.results) == 6
    assert stage.log[-1] == "cleared"


def test_what_cannot_be_cleared_is_part_of_the_evidence(tour: Tour, stage: PaperStage) -> None:
    stage.breaks[2] = "wrong"
    stage.clearing[2] = NotSettledError("it does not go away")
    tour.run()
    assert tour.results[1].evidence is not None
    assert "it does not go away" in (tour.results[1].evidence / "failure.txt").read_text()
    assert len(tour.results) == 19


def test_a_tour_begins_where_it_is_told(stage: PaperStage, tmp_path: Path) -> None:
    tour = make(stage, tmp_path, first=12)
    tour.run()
    assert [result.number for result in tour.results] == list(range(12, 20))
    assert stage.log == [f"new at {PLAN.steps[11].before}", "cleared"]


def test_an_interrupted_tour_leaves_nothing_behind(
    tour: Tour, stage: PaperStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def check() -> None:
        if stage.made == 5:
            raise Interrupted

    monkeypatch.setattr(interrupts, "check", check)
    with pytest.raises(Interrupted):
        tour.run()
    assert len(tour.results) == 5
    assert stage.log[-1] == "cleared"


def test_the_clock_says_minutes() -> None:
    assert walking._clock(61.4) == "1:01 min"
    assert PLAN.steps[0].before == NOWHERE
