"""How far a run is, while it runs: a live line on a terminal, plain lines in a log."""

from __future__ import annotations

import os
import re
import sqlite3
from itertools import pairwise
from threading import Timer
from typing import TYPE_CHECKING

import pytest
from terminal import Terminal

if TYPE_CHECKING:
    from spec_folder import SpecFolder

pytest_plugins = ["spec_folder"]

THREE = """
    from cluster_tests.errors import LabError

    class WhenAFails:
        def because(self): pass
        def should_hold(self): assert 0
        def should_also_hold(self): assert 0

    class WhenBCannotBeTold:
        @classmethod
        def examples_of_both(cls): return ("one", "two")
        def because(self, example):
            if example == "one":
                raise LabError("the lab broke", remedy="mend it")
        def should_hold(self): assert 1

    class WhenCIsLast:
        def because(self): print("something to say")
        def should_hold(self): assert 1
"""
# The live line appears once something has taken two seconds; here at once, until it may go on.
SLOW = """
    from cluster_tests.report import Progress

    class WhenAFails:
        def because(self): pass
        def should_hold(self): assert 0

    class WhenBTakesLongForTheWholeNight:
        def because(self):
            with Progress("core1/core4 => core3/core2: settling", patience=0):
                open("go_on").readline()
        def should_hold(self): assert 1
"""
MAIN = "import sys, contexts.__main__; sys.argv = {argv!r}; contexts.__main__.cmd()"
SOON = 20  # seconds; whoever adds a run to the history waits 30 for another that writes
IN_ORDER = "--no-random"
TIME = r"    \d\d:\d\d:\d\d  "


def log_lines(output: str) -> list[str]:
    """What a log is told of the run, without the clock's times."""
    return [re.sub(TIME, "", line) for line in output.splitlines() if re.match(TIME, line)]


def without_estimate(line: str) -> str:
    return re.sub(r" · about [^·]+ left", "", line)


def painted(terminal: Terminal) -> list[str]:
    """Every live line that was painted."""
    parts = terminal.everything.split("\r\x1b[K")[1:]
    return [part.partition("\r")[0] for part in parts if part.startswith("    ")]


def on_a_terminal(specs: SpecFolder, *options: str, columns: int = 150) -> Terminal:
    argv = ["run-contexts", "specs", IN_ORDER, *options]
    return Terminal(MAIN.format(argv=argv), cwd=specs.path.parent, columns=columns)


def history_with(specs: SpecFolder, seconds: dict[str, float]) -> None:
    """Change what the history of an earlier run knows."""
    specs.run("specs", "-q", IN_ORDER)
    with sqlite3.connect(specs.path.parent / "results" / "history.sqlite") as database:
        for name, value in seconds.items():
            changed = database.execute(
                "UPDATE scenario SET verdict = 'pass', seconds = ? WHERE id = ?", [value, name]
            )
            assert changed.rowcount > 0, name
    database.close()


@pytest.fixture
def three(specs: SpecFolder) -> SpecFolder:
    specs.write("a_spec.py", THREE)
    return specs


@pytest.fixture
def slow(specs: SpecFolder) -> SpecFolder:
    """Specs that wait for ``go_on``, and a history in which the second took ten minutes."""
    specs.write("a_spec.py", SLOW)
    go_on(specs)
    history_with(specs, {"b-takes-long-for-the-whole-night": 600.0})
    (specs.path.parent / "go_on").unlink()
    os.mkfifo(specs.path.parent / "go_on")
    return specs


def go_on(specs: SpecFolder) -> None:
    (specs.path.parent / "go_on").write_text("now\n")


def test_a_log_is_told_at_each_context_how_far_the_run_is(three: SpecFolder) -> None:
    output = three.run("specs", "-v", "-s", IN_ORDER).stdout
    first, *others = log_lines(output)
    assert first == "1 of 3"  # nothing is known yet that an estimate could be made from
    assert [without_estimate(line) for line in others] == [
        "2 of 3 · 1 failed",
        "2 of 3 · 1 failed · 1 could not be judged",
        "3 of 3 · 1 failed · 1 could not be judged",
    ]
    assert all(line.endswith(" · about 5 s left") for line in others[:2]), others  # c is to come


def test_each_line_is_one_of_its_own_just_before_its_context(three: SpecFolder) -> None:
    lines = three.run("specs", "-v", "-s", IN_ORDER).stdout.splitlines()
    after = [line for before, line in pairwise(lines) if re.match(TIME, before)]
    assert after == [
        "When a fails", "When b cannot be told -> one", "When b cannot be told -> two",
        "When c is last",
    ]  # fmt: skip


def test_what_is_captured_is_not_the_line(three: SpecFolder) -> None:
    output = three.run("specs", "-v", IN_ORDER).stdout
    assert len(log_lines(output)) == 4
    assert "something to say" not in output
    assert "captured stdout" not in output


def test_dots_stand_on_lines_of_their_own_beside_their_names(three: SpecFolder) -> None:
    output = three.run("specs", IN_ORDER).stdout
    told = output.partition("-" * 70)[0].splitlines()[1:]
    assert [without_estimate(re.sub(TIME, "", line)) for line in told] == [
        "1 of 3 · When a fails",
        "FF",
        "2 of 3 · 1 failed · When b cannot be told -> one",
        "E",
        "2 of 3 · 1 failed · 1 could not be judged · When b cannot be told -> two",
        ".",
        "3 of 3 · 1 failed · 1 could not be judged · When c is last",
        ".",
    ]


def test_who_wants_quiet_gets_it(three: SpecFolder) -> None:
    assert three.run("specs", "-q", IN_ORDER).stdout == ""


def test_a_shard_counts_its_own(three: SpecFolder) -> None:
    counts = [
        line.partition(" · ")[0]
        for number in (1, 2)
        for line in log_lines(three.run("specs", "-v", "--shard", f"{number}/2").stdout)
    ]
    assert {line.partition(" of ")[2] for line in counts} == {"1", "2"}
    assert {"1 of 1", "1 of 2", "2 of 2"} == set(counts)


def test_any_order_counts_all(three: SpecFolder) -> None:
    for seed in ("1", "2"):
        lines = log_lines(three.run("specs", "-v", "--seed", seed).stdout)
        numbers = [int(line.partition(" of 3")[0]) for line in lines]
        assert numbers == sorted(numbers)
        assert set(numbers) == {1, 2, 3}


def test_a_selection_counts_its_own(three: SpecFolder) -> None:
    output = three.run("specs", "-v", "--except", "WhenBCannotBeTold", IN_ORDER).stdout
    assert [line.partition(" · ")[0] for line in log_lines(output)] == ["1 of 2", "2 of 2"]


def test_a_cleanup_hides_nothing_that_failed_before_it(specs: SpecFolder) -> None:
    both = """
    from cluster_tests.errors import LabError

    class WhenAFailsTwice:
        def because(self): assert 0
        def should_hold(self): assert 1
        def cleanup(self): raise LabError("the lab broke", remedy="mend it")

    class WhenBIsLast:
        def because(self): pass
        def should_hold(self): assert 1
    """
    specs.write("a_spec.py", both)
    _, last = log_lines(specs.run("specs", "-v", IN_ORDER).stdout)
    assert without_estimate(last) == "2 of 2 · 1 failed"


def test_what_the_cluster_stands_on_is_no_measure_of_the_rest(three: SpecFolder) -> None:
    base = """
    FOUNDATION = True
    class WhenAllIsWell:
        def because(self): pass
        def should_hold(self): assert 1
    """
    three.write("z_spec.py", base)
    lines = log_lines(three.run("specs", "-v", IN_ORDER).stdout)
    assert lines[:2] == ["1 of 4", "2 of 4"]
    assert lines[2] == "3 of 4 · 1 failed · about 5 s left"


def test_what_earlier_runs_took_says_what_is_left(three: SpecFolder) -> None:
    history_with(three, {"a-fails": 3600.0, "b-cannot-be-told": 300.0, "c-is-last": 120.0})
    lines = log_lines(three.run("specs", "-v", IN_ORDER).stdout)
    assert [line.rpartition(" · ")[2] for line in lines] == [
        "about 72 min left",  # of b, both examples count
        "about 12 min left",
        "about 12 min left",
        "about 2 min left",
    ]


def test_a_broken_history_takes_nothing_but_the_estimate(three: SpecFolder) -> None:
    results = three.path.parent / "results"
    results.mkdir()
    (results / "history.sqlite").write_text("no database, but a text that is long enough" * 9)
    lines = log_lines(three.run("specs", "-v", IN_ORDER).stdout)
    assert lines[0] == "1 of 3"
    assert len(lines) == 4


def test_a_history_that_is_being_written_is_not_waited_for(three: SpecFolder) -> None:
    history_with(three, {"a-fails": 3600.0})
    writer = sqlite3.connect(three.path.parent / "results" / "history.sqlite")
    writer.execute("BEGIN EXCLUSIVE")
    process = three.start("specs", "-v", IN_ORDER)
    too_late = Timer(SOON, process.kill)
    too_late.start()
    assert process.stdout is not None
    told = [process.stdout.readline() for _ in range(2)]
    too_late.cancel()
    too_late.join()
    writer.close()
    assert log_lines("".join(told)) == ["1 of 3"]


@pytest.mark.parametrize("options", [("-v", "-s"), ("-v",)], ids=str)
def test_a_terminal_shows_all_of_it_in_one_live_line(
    slow: SpecFolder, options: tuple[str, ...]
) -> None:
    terminal = on_a_terminal(slow, *options)
    terminal.wait_for(r"settling … \d+ s")
    go_on(slow)
    assert terminal.status() == 1
    assert re.fullmatch(
        r"    2/2 · 1 failed · about 10 min left · When b takes long for the whole night"
        r" · core1/core4 => core3/core2: settling … \d+ s",
        painted(terminal)[0],
    )
    assert not log_lines("\n".join(terminal.screen))
    assert not any("settling" in line for line in terminal.screen)
    assert "  PASS: should hold" in terminal.screen


def test_in_a_narrow_terminal_the_line_loses_its_middle_and_does_not_wrap(slow: SpecFolder) -> None:
    terminal = on_a_terminal(slow, "-v", "-s", columns=40)
    terminal.wait_for(r"ling … \d+ s")
    go_on(slow)
    assert terminal.status() == 1
    assert {len(line) for line in painted(terminal)} == {37}
    assert re.fullmatch(r"    2/2 · 1 failed.*….*settling … \d+ s", painted(terminal)[0])


def test_an_interrupted_run_leaves_no_half_line(slow: SpecFolder) -> None:
    terminal = on_a_terminal(slow, "-v", "-s", columns=60)
    terminal.wait_for(r"settling … \d+ s")
    terminal.type("\x03")
    assert terminal.status() == 130
    assert painted(terminal)
    assert "SIGINT: cleaning up" in terminal.screen
    assert "verdict: interrupted" in terminal.screen
    assert not any("settling" in line for line in terminal.screen), terminal.screen


def test_dots_on_a_terminal_stay_together(three: SpecFolder) -> None:
    terminal = on_a_terminal(three)
    assert terminal.status() == 1
    assert "FFE.." in terminal.screen
    assert not log_lines("\n".join(terminal.screen))
