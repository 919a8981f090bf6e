"""A run that did not pass closes with what went wrong, right above its report and verdict."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from spec_folder import SpecFolder, WaitForLine

pytest_plugins = ["spec_folder"]

GOOD = """
    class WhenAllIsWell:
        def because(self): self.x = 1
        def should_hold(self): assert self.x == 1
"""
BAD = GOOD.replace("AllIsWell", "ItIsBad").replace("== 1", "== 2")
STEP = """
    from cluster_tests.errors import HarnessError
    class WhenAStepBreaks:
        def because(self): pass
        def should_hold(self): assert 1
        def {step}(self): {raised}
"""
UNKNOWN = "raise HarnessError('no answer\\n' + 'more\\n' * 9, remedy='look there')"


def closing(output: str, specs: SpecFolder) -> list[str]:
    """What comes after Contexts' own counts; the folder's path is left out."""
    text = output.rpartition(" seconds)\n")[2]
    return text.replace(f"{specs.path.parent}/", "").splitlines()


@pytest.mark.parametrize("options", [(), ("-s",), ("-v",), ("-v", "-s")])
def test_a_sentence_that_did_not_hold_is_told_again(
    specs: SpecFolder, options: tuple[str, ...]
) -> None:
    specs.write("a_spec.py", GOOD)
    specs.write("b_spec.py", BAD)
    lines = closing(specs.run("specs", *options, "--seed", "7").stdout, specs)
    assert lines[:-2] == [
        "fail: specs/b_spec.py:WhenItIsBad",
        "    should hold: Asserted 1 == 2 but found them not to be equal",
        "        at specs/b_spec.py:4 in should_hold",
        "    to repeat it: run-contexts specs/b_spec.py:WhenItIsBad -v -s --seed 7",
    ]
    assert lines[-2].startswith("report: results/")
    assert lines[-1] == "verdict: fail"


@pytest.mark.parametrize("step", ["given", "cleanup"])
@pytest.mark.parametrize(
    ("raised", "verdict", "message"),
    [
        ("raise KeyError('lost')", "fail", ["KeyError: 'lost'", "at specs/a_spec.py:6 in {step}"]),
        (UNKNOWN, "unknown", ["no answer", "more", "more", "… 7 more lines",
                              "to mend it: look there"]),
    ],
    ids=["fail", "unknown"],
)  # fmt: skip
def test_a_step_that_raised_is_told_with_what_mends_it(
    specs: SpecFolder, step: str, raised: str, verdict: str, message: list[str]
) -> None:
    specs.write("a_spec.py", STEP.format(step=step, raised=raised))
    head, first, *others, repeat, _, _ = closing(specs.run().stdout, specs)
    assert head == f"{verdict}: specs/a_spec.py:WhenAStepBreaks"
    assert first == f"    {step}: {message[0]}"
    assert [line.strip() for line in others] == [line.format(step=step) for line in message[1:]]
    assert repeat.startswith("    to repeat it: run-contexts specs/a_spec.py:WhenAStepBreaks ")


def test_an_example_is_named_and_what_else_did_not_hold(specs: SpecFolder) -> None:
    specs.write(
        "a_spec.py",
        """
        class WhenItDepends:
            @classmethod
            def examples(cls): return ["one", "two"]
            def because(self, which): self.x = which
            def should_be_a(self): assert self.x == "one"
            def should_be_b(self): assert self.x == "one"
    """,
    )
    lines = closing(specs.run().stdout, specs)
    assert lines[0] == "fail: specs/a_spec.py:WhenItDepends -> two"
    first, other = sorted(["should be a", "should be b"], key=lambda name: name not in lines[1])
    assert lines[1].startswith(f"    {first}: ")
    assert f"    1 more did not hold: {other}" in lines
    assert not any("-> one" in line for line in lines)


def test_of_many_the_first_are_told_and_the_others_counted(specs: SpecFolder) -> None:
    for number in range(12):
        specs.write(f"s{number}_spec.py", BAD.replace("ItIsBad", f"ItIsBad{number}"))
    lines = closing(specs.run().stdout, specs)
    assert sum(line.startswith("fail: ") for line in lines) == 10
    assert lines[-3] == "… and 2 more: see the report"


def test_quiet_is_quiet_about_it(specs: SpecFolder) -> None:
    specs.write("a_spec.py", BAD)
    done = specs.run("specs", "-q")
    assert (done.returncode, done.stdout) == (1, "")


def test_where_all_passed_there_is_nothing_to_tell(specs: SpecFolder) -> None:
    specs.write("a_spec.py", GOOD)
    report, verdict = closing(specs.run().stdout, specs)
    assert report.startswith("report: ")
    assert verdict == "verdict: pass"


def test_what_could_not_be_written_down_is_told_all_the_same(specs: SpecFolder) -> None:
    (specs.path.parent / "results").write_text("a file where a directory must be")
    specs.write("a_spec.py", GOOD)
    for number in range(10, 21):
        specs.write(f"b{number}_spec.py", BAD.replace("ItIsBad", f"ItIsBad{number}"))
    lines = closing(specs.run("specs", "--no-random").stdout, specs)
    assert [line for line in lines if line.startswith("fail: ")] == [
        f"fail: specs/b{number}_spec.py:WhenItIsBad{number}" for number in range(10, 20)
    ]
    assert "… and 1 more: see above" in lines
    last, remedy, verdict = lines[-3:]
    assert last.startswith("the run itself: results: results/")
    assert last.endswith("run.json cannot be written: Not a directory")
    assert remedy.strip().startswith("to mend it: make room")
    assert verdict == "verdict: fail, 1 could not be judged"


def test_errors_of_the_run_itself_are_told(specs: SpecFolder) -> None:
    specs.write("a_spec.py", "import no_such_module")
    lines = closing(specs.run().stdout, specs)
    told = [line for line in lines if line.startswith("the run itself: ")]
    assert "no_such_module" in told[0]
    assert told[1] == "the run itself: 1 spec file(s) could not be imported: nothing was run"


def test_an_error_at_the_session_s_end_is_told(specs: SpecFolder) -> None:
    specs.write(
        "a_spec.py",
        """
    from cluster_tests.errors import HarnessError
    from cluster_tests.session import current
    def close(): raise HarnessError("core2 keeps it", remedy="look there")
    current.close = close
    """
        + GOOD,
    )
    lines = closing(specs.run("specs", "-v").stdout, specs)
    assert lines[0] == "the run itself: core2 keeps it"
    assert lines[1].strip() == "to mend it: look there"


def test_an_interrupted_run_tells_what_had_failed_until_then(
    specs: SpecFolder, wait_for_line: WaitForLine
) -> None:
    specs.write("a_spec.py", BAD)
    waiting = "print('waiting', flush=True); time.sleep(30)"
    specs.write("b_spec.py", f"    import time{GOOD}".replace("self.x = 1", waiting, 1))
    specs.write("c_spec.py", GOOD.replace("AllIsWell", "ItNeverRuns"))
    process = specs.start("specs", "-v", "-s", "--no-random")
    wait_for_line(process, "waiting")
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=30)
    lines = closing(output, specs)
    heads = [line for line in lines if not line.startswith(" ")]
    assert heads[0] == "fail: specs/a_spec.py:WhenItIsBad"
    assert heads[1].startswith("report: ")
    assert heads[2:] == ["verdict: interrupted"]
