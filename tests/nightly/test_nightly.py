"""A night of small commands: what is run, when it ends, and what it says in the morning."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from cluster_tests.errors import UsageError
from cluster_tests.journal import Claim, Journal
from cluster_tests.nightly import commands
from cluster_tests.nightly.running import Done, Nightwatch, end
from cluster_tests.nightly.steps import Night, Step, closing, judging, of_the_night, verdict_of
from cluster_tests.results.values import RunRecord, ScenarioRecord, StepError
from cluster_tests.results.verdict import Verdict
from cluster_tests.results.writer import RunWriter

LONG = 600.0  # seconds
GRACE = 20.0


def python(
    program: str,
    name: str = "step",
    *,
    needed: bool = False,
    judges: bool = False,
    always: bool = False,
) -> Step:
    command = (sys.executable, "-c", program)
    return Step(name, command, needed=needed, judges=judges, always=always)


def run(*planned: Step, seconds: float = LONG) -> list[Done]:
    return Nightwatch(seconds, os.environ, GRACE).run(planned)


def on_the_lab(root: Path, *, full: bool = False, shard: str = "") -> Night:
    return Night(root, "night", full=full, shard=shard)


def test_a_night_on_the_lab_brings_it_up_and_down(tmp_path: Path) -> None:
    night = on_the_lab(tmp_path)
    assert [step.name for step in judging(night)] == ["lab", "doctor", "specs", "tour"]
    assert [step.name for step in closing(night)] == ["lab down"]


def test_another_cluster_is_neither_brought_up_nor_down(tmp_path: Path) -> None:
    night = Night(tmp_path, "night", Path("inventory.yaml"))
    found = list(judging(night))
    assert [step.name for step in found] == ["doctor", "specs", "tour"]
    assert {step.command[-2:] for step in found} == {("--inventory", "inventory.yaml")}
    assert list(closing(night)) == []


def test_what_was_judged_is_joined_into_one_report(tmp_path: Path) -> None:
    night = on_the_lab(tmp_path)
    judges = {step.name: step for step in judging(night) if step.judges}
    for name in ("specs", "tour"):
        environment = judges[name].environment
        assert environment["CLUSTER_TESTS_RESULTS"] == str(tmp_path)
        directory = tmp_path / environment["CLUSTER_TESTS_RUN_ID"]
        directory.mkdir()
        (directory / "run.json").touch()
    (tmp_path / "of-yesterday").mkdir()
    (tmp_path / "night-killed-before-it-began").mkdir()
    report, _ = closing(night)
    parts = (str(tmp_path / "night-specs"), str(tmp_path / "night-tour"))
    assert report.command == ("cluster-tests", "merge", *parts, "--into", str(tmp_path / "night"))
    assert report.always


def test_of_a_shard_there_is_no_report_of_the_whole(tmp_path: Path) -> None:
    night = on_the_lab(tmp_path, shard="2/3")
    (tmp_path / "night-specs").mkdir()
    (tmp_path / "night-specs" / "run.json").touch()
    assert [step.name for step in closing(night)] == ["lab down"]


def test_what_its_parts_left_is_removed_and_nothing_of_others(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.jsonl")
    for run in ("night-tour", "night-specs", "another", "night-specs", "another-night-specs"):
        journal.run = run
        journal.claim(Claim("inventory.yaml", "http://forge/ledger", "b"))
    journal.run = "night-gone"
    journal.release(journal.claim(Claim("inventory.yaml", "http://forge/ledger", "b")))
    steps = list(closing(Night(tmp_path, "night", Path("inventory.yaml"))))
    assert [step.command for step in steps] == [
        ("cluster-tests", "clean", "--inventory", "inventory.yaml", "--run", f"night-{part}")
        for part in ("specs", "tour")
    ]
    assert all(step.always and not step.judges for step in steps)
    assert {step.environment["CLUSTER_TESTS_RESULTS"] for step in steps} == {str(tmp_path)}


def test_a_journal_that_cannot_be_read_does_not_leave_the_lab_up(tmp_path: Path) -> None:
    (tmp_path / "journal.jsonl").write_text("nonsense\n")
    clean, down = closing(on_the_lab(tmp_path))
    assert clean.command == ("cluster-tests", "clean", "--run", "night")
    assert down.name == "lab down"


@pytest.mark.parametrize(
    ("exit_code", "written", "verdict"),
    [
        (2, Verdict.INFRASTRUCTURE, Verdict.INFRASTRUCTURE),
        (2, Verdict.UNKNOWN, Verdict.UNKNOWN),
        (0, Verdict.INFRASTRUCTURE, Verdict.PASS),
    ],
)
def test_nodes_that_are_not_fit_are_told_by_the_record_alone(
    tmp_path: Path, exit_code: int, written: Verdict, verdict: Verdict
) -> None:
    night = on_the_lab(tmp_path)
    [step] = [each for each in judging(night) if each.name == "specs"]
    done = Done(step, verdict_of(step, exit_code), 1.0)
    assert commands.as_written(night, done) == done
    RunWriter(tmp_path / "night-specs").run(RunRecord("x", ("y",), "z", verdict=written))
    assert commands.as_written(night, done).verdict is verdict


def test_a_record_that_cannot_be_read_is_told_and_ends_no_night(tmp_path: Path) -> None:
    night = on_the_lab(tmp_path)
    [step] = [each for each in judging(night) if each.name == "specs"]
    (tmp_path / "night-specs").mkdir()
    (tmp_path / "night-specs" / "run.json").touch()
    found = commands.as_written(night, Done(step, Verdict.UNKNOWN, 1.0))
    assert found.verdict is Verdict.UNKNOWN
    assert "holds no results" in found.remark


def test_full_and_shard_are_handed_on(tmp_path: Path) -> None:
    night = on_the_lab(tmp_path, full=True, shard="2/3")
    found = {step.name: step.command for step in judging(night)}
    assert found["specs"][-2:] == ("--shard", "2/3")
    assert "--full" in found["tour"]
    assert "--kinds" not in found["tour"]


@pytest.mark.parametrize(
    ("codes", "expected"),
    [
        ([0, 0], 0),
        ([0, 2, 1], 1),
        ([0, 2], 2),
        ([2, 3], 3),
        ([1, 3], 1),
        ([1, 130], 130),
        ([], 2),
    ],
)
def test_the_night_says_the_worst(codes: list[int], expected: int) -> None:
    step = Step("specs", ("x",), judges=True)
    assert of_the_night(verdict_of(step, code) for code in codes).exit_code == expected


def codes(*ended: tuple[Step, int]) -> tuple[int, ...]:
    return tuple(verdict_of(step, code).exit_code for step, code in ended)


def test_only_steps_that_judge_the_cluster_can_fail_it() -> None:
    judge, helper = Step("specs", ("x",), judges=True), Step("doctor", ("x",))
    assert codes((judge, 1), (helper, 1)) == (1, 2)
    assert codes((judge, -9), (judge, 77)) == (2, 2)
    assert codes((helper, 3), (helper, 130)) == (3, 130)


def test_steps_run_in_order_and_a_failure_does_not_end_the_night() -> None:
    done = run(python("raise SystemExit(1)", judges=True), python("pass"))
    assert [each.verdict.exit_code for each in done] == [1, 0]


def test_what_everything_needs_ends_the_judging_but_not_the_clearing_up(tmp_path: Path) -> None:
    mark = tmp_path / "down"
    done = run(
        python("raise SystemExit(1)", "doctor", needed=True),
        python("raise SystemExit(7)", "specs", judges=True),
        python(f"open({str(mark)!r}, 'w')", "lab down", always=True),
    )
    assert [each.verdict.exit_code for each in done] == [2, 2, 0]
    assert done[1].remark == "not run: doctor did not succeed"
    assert mark.exists()


def test_a_step_gets_its_own_environment() -> None:
    program = "import os; raise SystemExit(os.environ['OURS'] == 'yes')"
    step = Step("specs", (sys.executable, "-c", program), judges=True, environment={"OURS": "yes"})
    assert [each.verdict.exit_code for each in run(step)] == [1]


def test_a_command_that_is_not_there_is_told() -> None:
    [done] = run(Step("specs", ("no-such-command-of-ours",), judges=True))
    assert done.verdict.exit_code == 2
    assert "cannot be started" in done.remark


# Says when it is ready, and clears up when asked to end; or does not listen.
CLEARS_UP = """
import pathlib, signal, sys
def clear(*_):
    pathlib.Path(sys.argv[1]).write_text("cleared")
    sys.exit(130)
signal.signal(signal.SIGINT, clear)
print("ready", flush=True)
signal.pause()
"""
DEAF = """
import signal
signal.signal(signal.SIGINT, signal.SIG_IGN)
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("ready", flush=True)
while True:
    signal.pause()
"""


def started(program: str, *arguments: str) -> subprocess.Popen[bytes]:
    process = subprocess.Popen(
        [sys.executable, "-c", program, *arguments],
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    process.stdout.close()
    return process


def test_who_is_ended_may_clear_up(tmp_path: Path) -> None:
    process = started(CLEARS_UP, str(tmp_path / "mark"))
    end(process, GRACE)
    assert process.returncode == 130
    assert (tmp_path / "mark").read_text() == "cleared"


def test_who_does_not_listen_is_killed() -> None:
    process = started(DEAF)
    end(process, 0.05)
    assert process.returncode == -signal.SIGKILL


def test_the_deadline_ends_a_step_and_the_night_is_unknown() -> None:
    done = run(python("import signal; signal.pause()", judges=True), python("pass"), seconds=0.5)
    assert [each.verdict.exit_code for each in done] == [2, 2]
    assert done[0].remark == "ended by the night's deadline"
    assert done[1].remark == "not run: the night's deadline has passed"


NIGHT = """
import os, sys
from cluster_tests.nightly.running import Nightwatch
from cluster_tests.nightly.steps import Step, of_the_night
watch = Nightwatch(600, os.environ, float(sys.argv[3]))
watch.catch()
command = (sys.executable, "-c", sys.argv[1], sys.argv[2])
down = ("echo", "down")  # at once: what has to be done has no longer than the grace either
done = watch.run([
    Step("specs", command, judges=True),
    Step("tour", ("never-run",)),
    Step("lab down", down, always=True),
])
for each in done:
    print(f"{each.step.name}: {each.remark}", flush=True)
sys.exit(of_the_night(each.verdict for each in done).exit_code)
"""


def wait_until_ready(process: subprocess.Popen[bytes]) -> None:
    assert process.stdout is not None
    for line in process.stdout:
        if line == b"ready\n":
            return
    pytest.fail("the step did not begin")


def test_a_step_that_does_not_end_when_interrupted_is_not_waited_for() -> None:
    """Or else who ends the service waits until the night's deadline, and ends all of it hard."""
    process = subprocess.Popen(
        [sys.executable, "-c", NIGHT, DEAF, "", "1.0"], stdout=subprocess.PIPE
    )
    wait_until_ready(process)
    process.send_signal(signal.SIGTERM)
    output, _ = process.communicate(timeout=GRACE)
    assert process.returncode == 130
    assert b"down" in output.splitlines()
    assert b"specs: it did not end when interrupted" in output


def test_the_parts_are_found_beside_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["/srv/venv/bin/cluster-tests"])
    found = commands._with_our_commands({"PATH": "/usr/bin", "HOME": "/root"})
    assert found == {"PATH": "/usr/bin:/srv/venv/bin", "HOME": "/root"}
    assert commands._with_our_commands({}) == {"PATH": "/srv/venv/bin"}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_lets_the_step_clear_up_and_ends_the_night(
    number: signal.Signals, tmp_path: Path
) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", NIGHT, CLEARS_UP, str(tmp_path / "mark"), str(GRACE)],
        stdout=subprocess.PIPE,
    )
    wait_until_ready(process)
    assert process.stdout is not None
    process.send_signal(number)
    assert b"down" in process.stdout.read().splitlines()
    process.stdout.close()
    assert process.wait() == 130
    assert (tmp_path / "mark").read_text() == "cleared"


def test_one_night_at_a_time(tmp_path: Path) -> None:
    path = tmp_path / "results" / "nightly.lock"
    with commands._alone(path), pytest.raises(UsageError, match=f"process {os.getpid()}"):
        commands._alone(path).__enter__()
    with commands._alone(path):
        pass


def a_scenario(number: int, verdict: Verdict) -> ScenarioRecord:
    wrong = (StepError("given", verdict, "core3: no answer"),)
    return ScenarioRecord(
        "x", f"When{number}", "a_specs.py", "", verdict, "", 1.0, "run", errors=wrong
    )


def test_the_morning_reads_the_first_contexts_that_went_wrong_in_each_part(tmp_path: Path) -> None:
    night = on_the_lab(tmp_path)
    steps = {each.name: each for each in judging(night)}
    for name in ("specs", "tour"):
        writer = RunWriter(tmp_path / f"night-{name}")
        writer.run(RunRecord(name, ("y",), "z", verdict=Verdict.FAIL))
        for number in range(5):
            writer.scenario(a_scenario(number, Verdict.FAIL), [])
    done = [
        Done(steps["doctor"], Verdict.PASS, 1.0),
        Done(steps["specs"], Verdict.FAIL, 1.0),
        Done(steps["tour"], Verdict.PASS, 1.0),
    ]
    told = [line for line in commands.retold(night, done) if not line.startswith(" ")]
    named = [f"fail: a_specs.py:When{number}" for number in range(3)]
    assert told == [*named, "… and 2 more: see the report"]


def test_a_part_that_cannot_be_retold_hides_no_other(tmp_path: Path) -> None:
    night = on_the_lab(tmp_path)
    steps = {each.name: each for each in judging(night)}
    (tmp_path / "night-specs").mkdir()
    (tmp_path / "night-specs" / "run.json").write_text("{}")
    writer = RunWriter(tmp_path / "night-tour")
    writer.run(RunRecord("tour", ("y",), "z"))
    writer.scenario(a_scenario(7, Verdict.UNKNOWN), [])
    done = [Done(steps[name], Verdict.UNKNOWN, 1.0) for name in ("specs", "tour")]
    first, *others = commands.retold(night, done)
    assert first.startswith("specs: ")
    assert "holds no results" in first
    assert "unknown: a_specs.py:When7" in others


def test_the_morning_reads_a_line_a_step_and_where_the_report_is(tmp_path: Path) -> None:
    done = [
        Done(Step("specs", ()), Verdict.FAIL, 700.4),
        Done(Step("tour", ()), Verdict.UNKNOWN, 0, "not run: interrupted"),
    ]
    report = tmp_path / "report.html"
    assert not any(str(report) in line for line in commands.told(done, report))
    report.touch()
    assert list(commands.told(done, report)) == [
        "specs  fail            700 s",
        "tour   unknown           0 s  (not run: interrupted)",
        f"report: {report}",
        "verdict of the night: fail",
    ]
