"""A tour is written down: a scenario for each step, and a verdict that its report shows."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from cluster_tests.effort import Effort
from cluster_tests.errors import HarnessError
from cluster_tests.model import NOWHERE, Placement, Switch
from cluster_tests.results.reader import read_results
from cluster_tests.results.switch_log import SwitchLog
from cluster_tests.results.values import Event, SwitchRecord
from cluster_tests.results.verdict import Verdict
from cluster_tests.tour.paper import Plan
from cluster_tests.tour.recording import TourRecording
from cluster_tests.tour.tour import Result

if TYPE_CHECKING:
    from pathlib import Path

ONE, PAIR = Placement("core1"), Placement("core1", "core2")
STEPS = (Switch(NOWHERE, ONE), Switch(ONE, PAIR), Switch(PAIR, NOWHERE))
PLAN = Plan("random", 7, ("core1", "core2"), STEPS)


@pytest.fixture
def session() -> SimpleNamespace:
    inventory = SimpleNamespace(name="lab", version="v1", node_names=("core1", "core2"))
    session = SimpleNamespace(inventory=inventory, effort=Effort(), switches=SwitchLog(), runs=[])
    session.belong_to = session.runs.append
    return session


@pytest.fixture
def recording(
    session: Any,  # noqa: ANN401 - a session of paper
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> TourRecording:
    monkeypatch.setenv("CLUSTER_TESTS_RESULTS", str(tmp_path))
    begun = TourRecording(session, ["--inventory", "x.yaml"])
    begun.begin(PLAN, 1)
    return begun


def switched(session: SimpleNamespace, switch: Switch) -> None:
    record = SwitchRecord(
        str(switch.before), str(switch.after), switch.kind, "2026-11-21T00:00:00+00:00", 2.0,
        settled=True, verdict=Verdict.PASS,
    )  # fmt: skip
    session.switches.amend(session.switches.add(record), events=[Event(1.0, "kv", "flag")])


def test_each_step_is_a_scenario_with_its_switch_and_timeline(
    recording: TourRecording, session: SimpleNamespace
) -> None:
    switched(session, STEPS[0])
    recording.step(Result(1, STEPS[0], Verdict.PASS, 2.0))
    switched(session, STEPS[1])
    evidence = recording.directory / "evidence" / "step-002.txt"
    recording.step(Result(2, STEPS[1], Verdict.FAIL, 3.0, evidence, ("a is lost", "b too")))
    recording.step(Result(3, STEPS[2], Verdict.UNKNOWN, None, None, ("no answer",)))
    assert recording.end(Verdict.FAIL) is Verdict.FAIL
    assert session.runs == [recording.directory]  # what it makes is claimed under this run
    results = read_results(recording.directory)
    first, second, third = results.scenarios
    assert (first.id, first.file) == ("tour: nowhere => core1", "tour random")
    assert first.kind == "deploy-alone"
    plan = recording.directory / "plan.json"
    assert first.repeat == f"cluster-tests tour --plan {plan} --from 1 --inventory x.yaml"
    assert results.timelines[first.switches[0].timeline or ""] == (Event(1.0, "kv", "flag"),)
    assert second.sentences[0].message == "a is lost\nb too"
    assert second.switches[0].verdict is Verdict.FAIL  # it settled, but lost what it had
    assert second.evidence == "evidence/step-002.txt"
    assert (third.sentences, third.errors[0].message) == ((), "no answer")
    run = results.run
    assert (run.cluster, run.version, run.seed, run.verdict) == ("lab", "v1", 7, Verdict.FAIL)
    assert len(run.planned) == 3
    assert run.share is not None
    assert (recording.directory / "report.html").is_file()


def test_what_ended_a_tour_early_is_written_down(recording: TourRecording) -> None:
    recording.went_wrong(HarnessError("no cluster any more"))
    recording.end(Verdict.UNKNOWN)
    results = read_results(recording.directory)
    assert results.run.errors == ("no cluster any more",)
    assert len(results.not_run) == 3


@pytest.mark.parametrize(
    ("verdict", "of_all"),
    [
        (Verdict.PASS, Verdict.UNKNOWN),
        (Verdict.FAIL, Verdict.FAIL),
        (Verdict.INTERRUPTED, Verdict.INTERRUPTED),
    ],
)
def test_what_cannot_be_written_down_is_told_and_hides_no_verdict(
    recording: TourRecording,
    capsys: pytest.CaptureFixture[str],
    verdict: Verdict,
    of_all: Verdict,
) -> None:
    recording.directory.write_text("a file where a directory must be")
    for number, step in enumerate(STEPS, start=1):
        recording.step(Result(number, step, Verdict.PASS, 2.0))
    assert recording.end(verdict) is of_all
    output = capsys.readouterr().out
    assert output.count("warning: this run is not written down any more") == 1
    assert "report:" not in output
