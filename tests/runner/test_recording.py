"""Every run of `run-contexts` is written down, and what cannot be written down is told."""

from __future__ import annotations

import re
import signal
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest

from cluster_tests.results.reader import read_results
from cluster_tests.results.values import SWITCH
from cluster_tests.results.verdict import Verdict

if TYPE_CHECKING:
    from pathlib import Path

    from spec_folder import SpecFolder, WaitForLine

    from cluster_tests.results.values import Results

pytest_plugins = ["spec_folder"]

GOOD = '''
    class WhenAllIsWell:
        """a thing: it is well"""
        def because(self): self.x = 1
        def should_hold(self): assert self.x == 1
'''
# Says that it waits, and would for long.
WAITING = f"    import time{GOOD}".replace("AllIsWell", "ItWaits").replace(
    "self.x = 1", "print('waiting', flush=True); time.sleep(30)", 1
)
MIXED = '''
    from cluster_tests.errors import HarnessError
    class WhenItDepends:
        """a thing: it depends"""
        tags = ("slow",)
        @classmethod
        def examples(cls): return ["one", "two"]
        def because(self, which): self.x = which
        def should_be_one(self): assert self.x == "one"
        def should_be_known(self):
            assert 1
            if self.x == "two": raise HarnessError("no answer", remedy="look there")
'''


def directory_of(specs: SpecFolder) -> Path:
    [path] = (specs.path.parent / "results").glob("*/run.json")
    return path.parent


def results_of(specs: SpecFolder) -> Results:
    return read_results(directory_of(specs))


def test_the_report_s_path_is_the_last_line_but_one(specs: SpecFolder) -> None:
    specs.write("a_spec.py", GOOD)
    lines = specs.run().stdout.splitlines()
    directory = directory_of(specs)
    assert lines[-2:] == [f"report: results/{directory.name}/report.html", "verdict: pass"]
    names = {path.name for path in directory.iterdir()}
    assert names == {"run.json", "scenarios.jsonl", "report.html", "junit.xml", "summary.md"}
    assert (directory.parent / "history.sqlite").is_file()


def test_a_run_knows_what_it_was(specs: SpecFolder) -> None:
    specs.write("a_spec.py", GOOD)
    specs.run("specs", "-v", "--seed", "7")
    run = results_of(specs).run
    assert run.command[1:] == ("specs", "-v", "--seed", "7")
    assert (run.seed, run.verdict, run.exit_code, run.shard) == (7, Verdict.PASS, 0, None)
    assert run.planned == ("all-is-well",)
    assert (run.cluster, run.version, run.nodes, run.share) == ("", "", (), None)
    assert run.ended is not None
    assert run.started <= run.ended


def test_every_context_is_a_scenario_with_its_sentences(specs: SpecFolder) -> None:
    specs.write("a_spec.py", MIXED)
    assert specs.run("specs", "-v", "--seed", "7").returncode == 1
    one, two = sorted(results_of(specs).scenarios, key=lambda each: each.example or "")
    assert (one.id, one.class_name, one.file) == ("it-depends", "WhenItDepends", "specs/a_spec.py")
    assert (one.case, one.tags, one.example) == ("a thing: it depends", ("a", "slow"), "one")
    assert one.repeat == "run-contexts specs/a_spec.py:WhenItDepends -v -s --seed 7"
    assert one.verdict is Verdict.PASS
    verdicts = {sentence.name: sentence.verdict for sentence in two.sentences}
    assert verdicts == {"should be one": Verdict.FAIL, "should be known": Verdict.UNKNOWN}
    assert two.verdict is Verdict.FAIL
    messages = {sentence.name: sentence.message for sentence in two.sentences}
    assert messages["should be known"] == "no answer\n  to mend it: look there"
    assert "Asserted 'two' == 'one'" in messages["should be one"]
    assert re.search(r"a_spec\.py:\d+ in should_be_one", messages["should be one"])


@pytest.mark.parametrize("step", ["given", "because", "cleanup"])
def test_what_goes_wrong_outside_of_sentences_is_written_down(specs: SpecFolder, step: str) -> None:
    because = "        def because(self): self.x = 1\n"
    kept = GOOD.replace(because, "") if step == "because" else GOOD
    specs.write("a_spec.py", f"{kept}        def {step}_x(self): raise KeyError('lost')\n")
    specs.run()
    [scenario] = results_of(specs).scenarios
    [error] = scenario.errors
    assert (error.step, error.verdict, scenario.verdict) == (step, Verdict.FAIL, Verdict.FAIL)
    assert error.message.startswith("KeyError: 'lost'\n")
    assert len(scenario.sentences) == (1 if step == "cleanup" else 0)


@pytest.mark.parametrize(("step", "told"), [("given", "given"), ("cleanup", SWITCH)])
def test_a_switch_that_the_cleanup_finds_late_is_a_step_of_its_own(
    specs: SpecFolder, step: str, told: str
) -> None:
    late = f"        def {step}_x(self): raise NotSettledError('not within 60 s')\n"
    imported = "    from cluster_tests.errors import NotSettledError"
    specs.write("a_spec.py", f"{imported}{GOOD}{late}")
    specs.run()
    [scenario] = results_of(specs).scenarios
    assert [(error.step, error.message) for error in scenario.errors] == [(told, "not within 60 s")]


def test_a_class_without_examples_to_run_is_written_down(specs: SpecFolder) -> None:
    specs.write("a_spec.py", MIXED.replace('return ["one", "two"]', 'raise KeyError("none")'))
    specs.run()
    [scenario] = results_of(specs).scenarios
    assert [error.step for error in scenario.errors] == ["examples"]
    assert scenario.verdict is Verdict.FAIL


def test_a_run_in_which_nothing_could_start_is_written_down_too(specs: SpecFolder) -> None:
    specs.write("a_spec.py", "import no_such_module")
    specs.run()
    results = results_of(specs)
    assert results.scenarios == ()
    assert any("no_such_module" in error for error in results.run.errors)
    root = ET.parse(directory_of(specs) / "junit.xml").getroot()  # noqa: S314 - we wrote it
    assert int(root.get("errors", "0")) >= 1


def test_what_goes_wrong_at_the_session_s_end_is_written_down(specs: SpecFolder) -> None:
    failing = """
    from cluster_tests.errors import HarnessError
    from cluster_tests.session import current
    def close(): raise HarnessError("core2 keeps it")
    current.close = close
    """
    specs.write("a_spec.py", failing + GOOD)
    assert specs.run().returncode == 2
    assert results_of(specs).run.errors == ("core2 keeps it",)


def test_a_run_without_a_spec_is_no_pass_in_its_record_either(specs: SpecFolder) -> None:
    assert specs.run().returncode == 3
    run = results_of(specs).run
    assert (run.verdict, run.exit_code) == (Verdict.USAGE, 3)
    assert "no spec was found" in run.errors[0]


def test_an_interrupted_run_has_its_report_and_tells_what_did_not_run(
    specs: SpecFolder, wait_for_line: WaitForLine
) -> None:
    specs.write("a_spec.py", WAITING)
    specs.write("b_spec.py", GOOD)
    process = specs.start("specs", "-v", "-s", "--no-random")
    wait_for_line(process, "waiting")
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=30)
    assert process.returncode == 130
    assert re.search(r"report: results/.*/report\.html\nverdict: interrupted", output)
    results = results_of(specs)
    assert results.run.verdict is Verdict.INTERRUPTED
    assert [each.verdict for each in results.scenarios] == [Verdict.UNKNOWN]
    assert results.not_run == ("all-is-well",)
    assert "--no-random" in results.scenarios[0].repeat


def test_a_killed_run_leaves_what_it_found(specs: SpecFolder, wait_for_line: WaitForLine) -> None:
    specs.write("a_spec.py", GOOD)
    specs.write("b_spec.py", WAITING)
    process = specs.start("specs", "-v", "-s", "--no-random")
    wait_for_line(process, "waiting")
    process.kill()
    process.communicate()
    results = results_of(specs)
    assert [each.id for each in results.scenarios] == ["all-is-well"]
    assert (results.run.ended, results.run.verdict) == (None, None)


def test_results_are_written_where_the_environment_says(
    specs: SpecFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLUSTER_TESTS_RESULTS", str(tmp_path / "elsewhere"))
    specs.write("a_spec.py", GOOD)
    assert f"report: {tmp_path}/elsewhere/" in specs.run().stdout
    assert not (specs.path.parent / "results").exists()


BAD = GOOD.replace("== 1", "== 2")


@pytest.mark.parametrize(
    ("source", "code", "verdict"), [(GOOD, 2, "unknown"), (BAD, 1, "fail")], ids=["good", "bad"]
)
def test_what_cannot_be_written_down_is_told_and_hides_no_verdict(
    specs: SpecFolder, source: str, code: int, verdict: str
) -> None:
    (specs.path.parent / "results").write_text("a file where a directory must be")
    specs.write("a_spec.py", source)
    specs.write("b_spec.py", GOOD.replace("AllIsWell", "AnotherIsWell"))
    done = specs.run()
    assert done.returncode == code
    assert done.stdout.count("warning: this run is not written down any more") == 1
    assert "PASS: should hold" in done.stdout
    assert f"verdict: {verdict}, 1 could not be judged" in done.stdout


def test_a_history_that_cannot_be_used_costs_the_verdict_and_not_the_report(
    specs: SpecFolder,
) -> None:
    (specs.path.parent / "results").mkdir()
    (specs.path.parent / "results" / "history.sqlite").write_text("no database at all " * 99)
    specs.write("a_spec.py", GOOD)
    done = specs.run()
    assert done.returncode == 2
    assert "cluster-tests history --rebuild" in done.stdout
    assert (directory_of(specs) / "report.html").is_file()
    assert results_of(specs).run.verdict is Verdict.UNKNOWN


def test_a_bug_of_the_recorder_s_own_does_not_end_the_run(specs: SpecFolder) -> None:
    breaking = """
    from cluster_tests.plugin.notes import Notes
    def broken(self): raise KeyError("a bug")
    Notes.scenario = broken
    """
    specs.write("a_spec.py", breaking + GOOD)
    done = specs.run()
    assert done.returncode == 2
    assert "could not be written down: KeyError: 'a bug'" in done.stdout
    assert "1 context, 1 assertion" in done.stdout


def test_quiet_is_quiet(specs: SpecFolder) -> None:
    specs.write("a_spec.py", GOOD)
    assert "report" not in specs.run("specs", "-q").stdout
    assert results_of(specs).run.verdict is Verdict.PASS
