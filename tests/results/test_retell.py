"""What went wrong, told again in a few lines: in order, cut, and by a command of its own."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from synthetic import a_run, a_scenario, written
from typer.testing import CliRunner

from cluster_tests.cli import app
from cluster_tests.reporting.retelling import retelling
from cluster_tests.results.values import (
    SWITCH,
    Results,
    ScenarioRecord,
    SentenceRecord,
    StepError,
)
from cluster_tests.results.verdict import INTERRUPTION, Verdict

if TYPE_CHECKING:
    from pathlib import Path

REPEAT = "    to repeat it: run-contexts specs/a_specs.py:WhenAThingHappens -v -s --seed 4711"
VIEWER = 2000  # characters that the viewer of a CI system shows of a log


def told(path: Path, *scenarios: ScenarioRecord, errors: tuple[str, ...] = ()) -> list[str]:
    return list(retelling(Results(a_run(errors=errors), scenarios), path))


def broken(message: str, verdict: Verdict = Verdict.FAIL, **fields: object) -> ScenarioRecord:
    sentences = (SentenceRecord("should hold", verdict, message),)
    return a_scenario(verdict, **{"sentences": sentences, **fields})


def test_a_context_in_four_lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    scenario = a_scenario(Verdict.FAIL, example="core1", evidence="evidence/a-thing")
    assert told(tmp_path / "results" / "r", scenario) == [
        "fail: specs/a_specs.py:WhenAThingHappens -> core1",
        "    should keep its data: core3: over HTTP: record 17 is lost",
        "    evidence: results/r/evidence/a-thing",
        REPEAT,
    ]


def test_what_passed_is_not_told(tmp_path: Path) -> None:
    assert told(tmp_path, a_scenario()) == []


def test_failures_come_before_what_is_unknown_and_errors_of_the_run_last(tmp_path: Path) -> None:
    found = told(
        tmp_path,
        broken("a", Verdict.UNKNOWN, class_name="WhenA"),
        broken("b", class_name="WhenB"),
        errors=("no cluster any more\n  to mend it: look",),
    )
    assert [line for line in found if not line.startswith(" ")] == [
        "fail: specs/a_specs.py:WhenB",
        "unknown: specs/a_specs.py:WhenA",
        "the run itself: no cluster any more",
    ]
    assert found[-1].strip() == "to mend it: look"


def test_the_trouble_that_made_the_verdict_is_told_and_the_others_are_named(tmp_path: Path) -> None:
    scenario = a_scenario(
        Verdict.FAIL,
        sentences=(
            SentenceRecord("should a", Verdict.UNKNOWN, "no answer"),
            SentenceRecord("should b", Verdict.PASS),
            SentenceRecord("should c", Verdict.FAIL, "lost"),
        ),
        errors=(StepError("cleanup", Verdict.FAIL, "stays"),),
    )
    _, first, others, _ = told(tmp_path, scenario)
    assert first == "    should c: lost"
    assert others == "    2 more did not hold: should a, cleanup"


def test_a_switch_that_did_not_settle_is_why_sentences_do_not_hold(tmp_path: Path) -> None:
    scenario = a_scenario(
        Verdict.FAIL,
        sentences=(SentenceRecord("should a", Verdict.FAIL, "not there"),),
        errors=(
            StepError("cleanup", Verdict.FAIL, "stays"),
            StepError(SWITCH, Verdict.FAIL, "not within 60 s\ncore4's agent: no such image"),
        ),
    )
    _, first, why, others, _ = told(tmp_path, scenario)
    assert first == "    switch: not within 60 s"
    assert why.strip() == "core4's agent: no such image"
    assert others == "    2 more did not hold: should a, cleanup"


def test_a_message_is_cut_and_keeps_its_first_remedy(tmp_path: Path) -> None:
    lines = ["x" * 500, "  one", "", "  two", "  to mend it: look there", "  three", "  four"]
    lines += ["the evidence could not be collected", "  to mend it: something else"]
    _, first, *others, remedy, _ = told(tmp_path, broken("\n".join(lines)))
    assert len(first.strip()) == 160
    assert first.endswith("x…")
    assert others == ["        one", "        two", "        … 4 more lines"]
    assert remedy == "        to mend it: look there"


@pytest.mark.parametrize(
    ("message", "lines"),
    [
        ("a\nb\nc\nd", ["should hold: a", "b", "c", "d"]),
        ("a\nb\nc\nd\ne", ["should hold: a", "b", "c", "… 2 more lines"]),
        ("", ["should hold: no message"]),
        ("to mend it: look", ["should hold: ", "to mend it: look"]),
    ],
)
def test_how_much_of_a_message_is_told(tmp_path: Path, message: str, lines: list[str]) -> None:
    _, *found, _ = told(tmp_path, broken(message))
    assert [line.removeprefix("      ").removeprefix("    ").lstrip() for line in found] == lines


def test_one_context_fits_into_what_a_ci_system_shows(tmp_path: Path) -> None:
    long = "\n".join(["y" * 300] * 40 + ["  to mend it: " + "z" * 400])
    scenario = broken(long, example="e" * 300, evidence="evidence/" + "when-" * 10)
    sentences = [SentenceRecord(f"should {each:9}", Verdict.FAIL, "x") for each in range(99)]
    several = ScenarioRecord(**{**vars(scenario), "sentences": (*scenario.sentences, *sentences)})
    found = told(tmp_path, several)
    assert len(found) == 9
    assert len("\n".join(found)) < VIEWER - 300  # the verdict, and what failed, come below it


def test_after_ten_contexts_the_others_are_counted(tmp_path: Path) -> None:
    many = [broken("x", Verdict.UNKNOWN, class_name=f"When{each}") for each in range(11)]
    found = told(tmp_path, *many, broken("y", class_name="WhenLast"), errors=("e",) * 11)
    heads = [line for line in found if not line.startswith(" ")]
    assert heads[0] == "fail: specs/a_specs.py:WhenLast"
    assert heads[9:12] == [
        "unknown: specs/a_specs.py:When8",
        "… and 2 more: see the report",
        "the run itself: e",
    ]
    assert heads[21:] == ["… and 1 more: see the report"]


def test_of_an_interrupted_context_only_what_went_wrong_before_is_told(tmp_path: Path) -> None:
    interrupted = SentenceRecord("should x", Verdict.UNKNOWN, INTERRUPTION)
    alone = a_scenario(Verdict.UNKNOWN, class_name="WhenAlone", sentences=(interrupted,))
    failed = SentenceRecord("should a", Verdict.FAIL, "lost")
    after = a_scenario(Verdict.FAIL, class_name="WhenAfter", sentences=(failed, interrupted))
    assert told(tmp_path, alone, after, errors=(INTERRUPTION,))[:2] == [
        "fail: specs/a_specs.py:WhenAfter",
        "    should a: lost",
    ]
    assert len(told(tmp_path, alone, after, errors=(INTERRUPTION,))) == 3


def test_what_was_asked_nothing_is_told(tmp_path: Path) -> None:
    found = told(tmp_path, a_scenario(Verdict.UNKNOWN, sentences=()))
    assert found[1] == "    no sentence was asked"


def invoked(*arguments: object) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["retell", *map(str, arguments)])
    return done.exit_code, done.output


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two runs; the one that was written last has the name that sorts first."""
    monkeypatch.setenv("CLUSTER_TESTS_RESULTS", str(tmp_path))
    written(tmp_path / "b", a_run("b"), [broken("older")])
    run = a_run("a", verdict=Verdict.FAIL)
    written(tmp_path / "a", run, [broken("newer"), broken("newest", class_name="WhenB")])
    (tmp_path / "a" / "report.html").touch()
    os.utime(tmp_path / "b" / "run.json", (1, 1))
    return tmp_path


def test_the_command_tells_of_the_latest_run(kept: Path) -> None:
    code, output = invoked("--most", 1)
    assert code == 0
    assert output.splitlines() == [
        "fail: specs/a_specs.py:WhenAThingHappens",
        "    should hold: newer",
        REPEAT,
        "… and 1 more: see the report",
        f"report: {kept}/a/report.html",
        "verdict: fail",
    ]


def test_the_command_tells_of_the_run_that_was_named_also_if_it_was_killed(kept: Path) -> None:
    written(kept / "k", a_run("k", verdict=None, ended=None), [broken("killed")])
    _, output = invoked(kept / "k")
    assert "should hold: killed" in output
    assert output.endswith("\nverdict: not ended\n")
    assert "report:" not in output


def test_where_no_run_is_kept_that_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLUSTER_TESTS_RESULTS", str(tmp_path))
    done = CliRunner().invoke(app, ["retell"])
    assert f"no run is kept in {tmp_path}" in str(done.exception)
