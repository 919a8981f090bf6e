"""A run's directory: what is written is read back, whatever ended the run."""

from __future__ import annotations

import json
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from synthetic import HOSTILE, KEPT, a_run, a_scenario, a_switch, a_tour, written

from cluster_tests.errors import HarnessError, UsageError
from cluster_tests.results.place import evidence_root, journal_path, new_run_id, results_root
from cluster_tests.results.reader import read_results
from cluster_tests.results.values import (
    Event,
    ScenarioRecord,
    SentenceRecord,
    SwitchRecord,
    Writes,
)
from cluster_tests.results.verdict import Verdict
from cluster_tests.results.writer import RunWriter

TEXTS = some.text(some.characters(exclude_categories=["Cs"]))
VERDICTS = some.sampled_from([Verdict.PASS, Verdict.FAIL, Verdict.UNKNOWN])
SECONDS = some.floats(0, 1e6, allow_nan=False)
SENTENCES = some.builds(SentenceRecord, TEXTS, VERDICTS, TEXTS, some.none() | SECONDS)
SWITCHES = some.builds(
    SwitchRecord,
    *[TEXTS] * 4,
    SECONDS,
    some.booleans(),
    VERDICTS,
    writes=some.none() | some.builds(Writes, *[some.integers(0, 10**6)] * 7),
    traces=some.lists(TEXTS, max_size=3).map(tuple),
)
SCENARIOS = some.builds(
    ScenarioRecord,
    *[TEXTS] * 4,
    VERDICTS,
    TEXTS,
    SECONDS,
    TEXTS,
    example=some.none() | TEXTS,
    sentences=some.lists(SENTENCES, max_size=3).map(tuple),
    switches=some.lists(SWITCHES, max_size=2).map(tuple),
)


@settings(max_examples=50, deadline=None)
@given(some.lists(SCENARIOS, max_size=4))
def test_what_is_written_is_read_back(scenarios: list[ScenarioRecord]) -> None:
    run = a_run()
    with TemporaryDirectory() as folder:
        results = written(Path(folder), run, scenarios)
        assert read_results(Path(folder)) == results


def test_the_events_of_a_switch_are_kept_beside_it(tmp_path: Path) -> None:
    writer = RunWriter(tmp_path)
    writer.run(a_run())
    happened = (Event(1.5, "kv", "flag set", "core1"), Event(2, "spec", "waiting", until=3.5))
    writer.scenario(a_scenario(), [(a_switch(), happened), (a_switch(), [])])
    results = read_results(tmp_path)
    [first, second] = results.switches
    assert first.timeline is not None
    assert results.timelines == {first.timeline: happened}
    assert second.timeline is None


def test_the_list_of_a_failure_s_evidence_is_read_as_far_as_there_is_one(tmp_path: Path) -> None:
    scenario = a_scenario(Verdict.FAIL, evidence="evidence/x")
    written(tmp_path, a_run(), [scenario])
    index = tmp_path / "evidence" / "x" / "index.json"
    assert read_results(tmp_path).evidence == {"evidence/x": KEPT}
    index.write_text(index.read_text()[:-20])  # as a run leaves it that is killed meanwhile
    assert read_results(tmp_path).evidence == {"evidence/x": ()}
    index.unlink()
    assert read_results(tmp_path).evidence == {"evidence/x": ()}


def test_what_a_killed_run_wrote_is_read_without_its_last_half_line(tmp_path: Path) -> None:
    a_tour(tmp_path / "r", limit=3)
    path = tmp_path / "r" / "scenarios.jsonl"
    path.write_text(path.read_text()[:-20])
    assert len(read_results(tmp_path / "r").scenarios) == 2


def test_a_run_that_wrote_no_scenario_yet_is_read(tmp_path: Path) -> None:
    RunWriter(tmp_path).run(a_run(ended=None, verdict=None, exit_code=None))
    results = read_results(tmp_path)
    assert results.scenarios == ()
    assert results.run.verdict is None


def test_what_was_planned_and_did_not_run_is_known(tmp_path: Path) -> None:
    run = a_run(planned=("a-thing-happens", "another-does"))
    assert written(tmp_path, run, [a_scenario()]).not_run == ("another-does",)


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("run.json", "", "holds no results"),
        ("run.json", "[]", "its format is None"),
        ("run.json", '{"format": 2}', "its format is 2, and this reads 1"),
        ("run.json", '{"format": 1}', "run_id"),
        ("scenarios.jsonl", "{}\n", "verdict"),
        ("scenarios.jsonl", "nonsense\n", "Expecting value"),
    ],
)
def test_what_is_no_run_is_refused(tmp_path: Path, name: str, content: str, why: str) -> None:
    RunWriter(tmp_path).run(a_run())
    (tmp_path / name).write_text(content)
    with pytest.raises(UsageError, match=why):
        read_results(tmp_path)


def test_a_missing_timeline_is_told(tmp_path: Path) -> None:
    results = a_tour(tmp_path / "r", limit=1)
    (tmp_path / "r" / "timelines" / "0001.jsonl").unlink()
    assert len(results.scenarios) == 1
    with pytest.raises(UsageError, match=r"timelines/0001\.jsonl"):
        read_results(tmp_path / "r")


def test_a_directory_without_a_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"run\.json holds no results"):
        read_results(tmp_path)


def test_a_place_that_cannot_be_written_is_the_harness_s_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(HarnessError, match=r"run\.json cannot be written"):
        RunWriter(tmp_path / "file" / "r").run(a_run())
    with pytest.raises(HarnessError, match=r"scenarios\.jsonl cannot be written"):
        RunWriter(tmp_path / "file" / "r").scenario(a_scenario())


def test_hostile_text_stays_text(tmp_path: Path) -> None:
    scenario = a_scenario(case=HOSTILE, repeat="a\nb\u2028c\x85d")
    written(tmp_path, a_run(), [scenario])
    assert read_results(tmp_path).scenarios == (scenario,)


def test_the_file_calls_a_class_a_class(tmp_path: Path) -> None:
    written(tmp_path, a_run(), [a_scenario()])
    [line] = (tmp_path / "scenarios.jsonl").read_text().splitlines()
    assert json.loads(line)["class"] == "WhenAThingHappens"


def test_where_results_are(tmp_path: Path) -> None:
    assert results_root({}) == Path("results")
    assert results_root({"CLUSTER_TESTS_RESULTS": str(tmp_path)}) == tmp_path
    assert journal_path({}) == Path("results/journal.jsonl")
    assert journal_path({"CLUSTER_TESTS_RESULTS": str(tmp_path)}) == tmp_path / "journal.jsonl"
    assert evidence_root(tmp_path) == tmp_path / "evidence"
    assert new_run_id() != new_run_id()
