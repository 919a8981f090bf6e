"""The history: what is new, what is flaky, what became slower, and nothing that is only noise."""

from __future__ import annotations

import json
import sqlite3
from typing import TYPE_CHECKING

import pytest
from synthetic import BEGIN, a_run, a_scenario, a_switch, a_tour, written
from typer.testing import CliRunner

from cluster_tests.cli import app
from cluster_tests.errors import HarnessError, UsageError
from cluster_tests.history.store import History
from cluster_tests.history.values import Flaky, Scenario, Standing
from cluster_tests.reporting import past
from cluster_tests.results.place import utc_text
from cluster_tests.results.values import Results
from cluster_tests.results.verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from cluster_tests.results.values import ScenarioRecord

PASS, FAIL, UNKNOWN = Verdict.PASS, Verdict.FAIL, Verdict.UNKNOWN


def add(history: History, number: int, *scenarios: ScenarioRecord, **fields: object) -> str:
    run_id = f"run-{number}"
    run = a_run(run_id, started=utc_text(BEGIN + 3600 * number), **fields)
    history.add(Results(run, scenarios))
    return run_id


def judged(history: History, verdicts: Sequence[Verdict | None], **fields: object) -> Standing:
    """Let one scenario have these verdicts, a run each; None is a run in which it was not."""
    for number, verdict in enumerate(verdicts):
        scenarios = [a_scenario(verdict)] if verdict else []
        last = add(history, number, *scenarios, **fields)
    return history.standing(last)


@pytest.fixture
def history(tmp_path: Path) -> History:
    return History(tmp_path)


THING = Scenario("a-thing-happens")


@pytest.mark.parametrize(
    ("verdicts", "new"),
    [
        ([FAIL], True),
        ([PASS, FAIL], True),
        ([UNKNOWN, FAIL], True),
        ([PASS, None, FAIL], True),
        ([FAIL, FAIL], False),
        ([FAIL, None, FAIL], False),
        ([FAIL, PASS], False),
        ([PASS, UNKNOWN], False),
    ],
)
def test_a_failure_is_new_that_was_none_when_it_ran_last(
    history: History, verdicts: list[Verdict | None], *, new: bool
) -> None:
    assert judged(history, verdicts).new_failures == ((THING,) if new else ())


@pytest.mark.parametrize(
    ("verdicts", "again"), [([FAIL, PASS], True), ([PASS], False), ([FAIL, UNKNOWN, PASS], False)]
)
def test_what_failed_last_and_passes_now_passes_again(
    history: History, verdicts: list[Verdict | None], *, again: bool
) -> None:
    assert judged(history, verdicts).mended == ((THING,) if again else ())


def test_examples_are_told_apart_and_the_worst_of_equals_counts(history: History) -> None:
    scenarios = [a_scenario(PASS), a_scenario(FAIL), a_scenario(PASS, example="2")]
    assert history.standing(add(history, 1, *scenarios)).new_failures == (THING,)


def test_flaky_is_what_both_passed_and_failed_on_one_version(history: History) -> None:
    standing = judged(history, [PASS, FAIL, PASS, UNKNOWN])
    assert standing.flaky == (Flaky(THING, passed=2, failed=1),)


def test_what_fails_since_another_version_is_not_flaky(history: History) -> None:
    add(history, 1, a_scenario(PASS), version="v1")
    assert history.standing(add(history, 2, a_scenario(FAIL), version="v2")).flaky == ()


def test_a_version_that_nobody_told_is_not_the_same_as_another(history: History) -> None:
    assert judged(history, [PASS, FAIL], version="").flaky == ()


def test_unknown_is_no_change_of_verdict(history: History) -> None:
    assert judged(history, [PASS, UNKNOWN]).flaky == ()


def test_runs_of_another_cluster_are_another_matter(history: History) -> None:
    add(history, 1, a_scenario(FAIL), cluster="other")
    standing = history.standing(add(history, 2, a_scenario(FAIL)))
    assert standing.new_failures == (THING,)
    assert [run.cluster for run in standing.trend] == ["lab"]


def taking(history: History, *medians: float, downtime: object = None) -> Standing:
    for number, seconds in enumerate(medians):
        switches = tuple(
            a_switch(seconds=seconds + off, downtime=downtime) for off in (-0.01, 0, 0.01)
        )
        last = add(history, number, a_scenario(switches=switches))
    return history.standing(last)


def test_a_kind_is_slower_that_took_longer_than_the_noise(history: History) -> None:
    [slow] = taking(history, 2.0, 2.1, 1.9, 2.0, 2.05, 3.0).slower
    assert (slow.kind, slow.measure, slow.now, slow.usual) == ("swap", "to settle", 3.0, 2.0)
    assert 2.1 < slow.limit < 2.5


@pytest.mark.parametrize(
    "medians",
    [
        (2.0, 2.1, 1.9, 2.0, 2.05, 2.15),  # within 0.2 s and a tenth
        (2.0, 4.0, 3.0, 2.5, 3.5, 4.2),  # within a noise that is larger
        (2.0, 2.0, 2.0, 2.0, 9.0),  # four earlier runs tell no noise
        (2.0, 2.1, 1.9, 2.0, 2.05, 1.0),  # faster
    ],
)
def test_noise_is_not_reported(history: History, medians: tuple[float, ...]) -> None:
    assert taking(history, *medians).slower == ()


def test_one_odd_run_does_not_hide_a_slow_one(history: History) -> None:
    assert taking(history, 2.0, 2.1, 60.0, 2.0, 2.05, 1.9, 3.0).slower


def test_a_run_in_a_line(history: History) -> None:
    switches = (a_switch(seconds=1), a_switch(seconds=3), a_switch(writes=None, downtime=None))
    add(history, 1, a_scenario(FAIL, switches=switches), a_scenario(UNKNOWN), a_scenario())
    [run] = history.runs(last=5)
    assert (run.scenarios, run.failed, run.unknown, run.switches) == (3, 1, 1, 3)
    assert (run.median_switch, run.worst_downtime) == (2.25, 1.25)
    assert (run.acknowledged, run.lost, run.own_share) == (180, 0, 0.087)


def test_what_was_not_measured_is_none_and_no_zero(history: History) -> None:
    add(history, 1, a_scenario(switches=(a_switch(writes=None, downtime=None),)), share=None)
    [run] = history.runs(last=5)
    assert (run.worst_downtime, run.acknowledged, run.lost, run.own_share) == (None,) * 4


def test_runs_are_listed_oldest_first_and_the_last_ones(history: History) -> None:
    for number in (2, 1, 3):
        add(history, number)
    assert [run.run_id for run in history.runs(last=2)] == ["run-2", "run-3"]


def test_a_shard_is_a_part_and_no_run(history: History) -> None:
    add(history, 1, a_scenario(FAIL), shard="1/2")
    add(history, 2, a_scenario())
    assert [run.run_id for run in history.runs(last=5)] == ["run-2"]


def test_a_joined_run_takes_the_place_of_its_parts(history: History) -> None:
    """Or else what fails first tonight would have failed before, in a part of this very night."""
    add(history, 0, a_scenario(PASS))
    add(history, 1, a_scenario(FAIL))
    standing = history.standing(add(history, 2, a_scenario(FAIL), parts=("run-1", "run-x")))
    assert standing.new_failures == (THING,)
    assert standing.flaky == (Flaky(THING, passed=1, failed=1),)
    assert [run.run_id for run in history.runs(last=9)] == ["run-0", "run-2"]


def test_a_part_stays_a_part_when_its_report_is_made_again(history: History) -> None:
    add(history, 2, a_scenario(FAIL), parts=("run-1",))
    add(history, 1, a_scenario(FAIL))
    assert [run.run_id for run in history.runs(last=9)] == ["run-2"]


def test_durations_are_the_median_of_all_examples_together(history: History) -> None:
    for number, seconds in enumerate((1.0, 2.0, 9.0)):
        examples = [a_scenario(example=name, seconds=seconds) for name in "ab"]
        add(history, number, *examples, a_scenario(FAIL, id="failing"))
    assert history.durations() == {"a-thing-happens": 4.0}


def test_a_history_that_is_not_there_knows_no_duration_and_is_not_made(history: History) -> None:
    assert history.durations() == {}
    assert not history.path.exists()


def test_a_run_that_is_not_known_is_compared_with_none(history: History) -> None:
    assert history.standing("nobody") == Standing()


def test_a_file_that_is_no_history_is_told_with_a_remedy(history: History) -> None:
    history.path.write_text("no database, but long enough to be looked at " * 40)
    with pytest.raises(HarnessError, match="rebuild"):
        history.runs(last=1)


def test_a_history_of_the_version_before_goes_on(history: History) -> None:
    add(history, 0, a_scenario(PASS))
    with sqlite3.connect(history.path) as database:
        database.execute("DROP TABLE part")
        database.execute("PRAGMA user_version = 1")
    add(history, 1, a_scenario(FAIL), parts=("run-0",))
    assert [run.run_id for run in history.runs(last=9)] == ["run-1"]


def test_a_history_of_another_version_is_not_touched(history: History) -> None:
    with sqlite3.connect(history.path) as database:
        database.execute("PRAGMA user_version = 9")
    with pytest.raises(UsageError, match="of another version"):
        history.runs(last=1)


def told(*arguments: str) -> str:
    done = CliRunner().invoke(app, ["history", *arguments], env={"COLUMNS": "200"})
    assert done.exit_code == 0, (done.output, done.exception)
    return done.output


def test_the_command_shows_runs_and_news(history: History, tmp_path: Path) -> None:
    judged(history, [PASS, PASS, FAIL])
    output = told("--results", str(tmp_path))
    assert "run-0" in output
    assert "new failure: a-thing-happens" in output
    assert "flaky on version cluster 1a2b3c4d5e6f: a-thing-happens (passed 2, failed 1)" in output


def lines_of(history: History, width: int | None) -> list[str]:
    runs = history.runs(last=9)
    return list(past.told(runs, history.standing(runs[-1].run_id), history.path.parent, width))


@pytest.mark.parametrize("width", [60, 80, 100, 120])
def test_a_narrow_terminal_shows_whole_words_and_tells_what_it_left_out(
    history: History, width: int
) -> None:
    judged(history, [PASS, FAIL])
    whole, *_ = lines_of(history, None)
    head, first, second, left_out, *_ = lines_of(history, width)
    assert all(len(line) <= width for line in (head, first, second))
    assert {"verdict", "run", "failed", "unknown", "lost"} <= set(head.split())
    assert "run-1" in second
    shown = head.replace("to settle", "to-settle").split()
    missing = left_out.removeprefix("(no room for: ").removesuffix(")").split(", ")
    named = {name.replace(" ", "-") for name in missing}
    assert named.isdisjoint(shown)
    assert named | set(shown) == set(whole.replace("to settle", "to-settle").split())


def test_a_log_has_room_for_all_of_it(history: History) -> None:
    judged(history, [PASS, FAIL])
    head, _, latest, blank, *_ = lines_of(history, None)
    assert "own" in head
    assert "cluster 1a2b3c4d5e6f" in latest
    assert blank == ""


def test_a_morning_without_news_says_so_and_where_the_report_is(
    history: History, tmp_path: Path
) -> None:
    judged(history, [PASS, PASS])
    (tmp_path / "run-1").mkdir()
    (tmp_path / "run-1" / "report.html").touch()
    assert lines_of(history, None)[-3:] == [
        "latest: ✓ run-1, compared with 1 earlier",
        "nothing new: no new failure, nothing flaky, nothing slower",
        f"report: {tmp_path}/run-1/report.html",
    ]


def test_a_history_without_runs_says_so(history: History, tmp_path: Path) -> None:
    assert history.runs(last=1) == []
    assert told("--results", str(tmp_path)) == "no run is kept\n"


def test_the_command_speaks_json(history: History, tmp_path: Path) -> None:
    judged(history, [PASS, FAIL])
    content = json.loads(told("--results", str(tmp_path), "--json"))
    assert [run["failed"] for run in content["runs"]] == [0, 1]
    assert content["latest"]["new_failures"] == [{"id": "a-thing-happens", "example": ""}]


def test_the_history_is_made_anew_from_the_runs(tmp_path: Path) -> None:
    a_tour(tmp_path / "r1", limit=3)
    written(tmp_path / "r2", a_run("r2"), [a_scenario()])
    (tmp_path / "r3").mkdir()
    (tmp_path / "r3" / "run.json").write_text("{}")
    output = told("--results", str(tmp_path), "--rebuild")
    assert "left out" in output
    assert "r3" in output
    assert {run.run_id for run in History(tmp_path).runs(last=9)} == {"r1", "r2"}


def test_without_a_history_the_command_says_how_to_make_one(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["history", "--results", str(tmp_path)])
    assert isinstance(done.exception, UsageError)
    assert "--rebuild" in done.exception.remedy
