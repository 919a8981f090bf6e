"""Ctrl-C and SIGTERM, sent to a real run."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest

if TYPE_CHECKING:
    from spec_folder import SpecFolder, WaitForLine

pytest_plugins = ["spec_folder"]

DEADLINE = 30
WAITING = """
    import threading
    from cluster_tests.plugin.interrupts import interrupts

    def wait_for_a_signal(word):
        print(word, flush=True)
        threading.Event().wait(60)

    class WhenItTakesLong:
        def because(self): {because}
        def should_hold(self): assert 1
        def cleanup(self):
            with interrupts.shielded():
                {cleanup}
                print("cleaned", flush=True)

    class WhenOthersFollow:
        def because(self): print("another context", flush=True)
        def should_hold(self): assert 1
"""
IN_BECAUSE = WAITING.format(because="wait_for_a_signal('ready')", cleanup="pass")
ONE_CLASS = "specs/a_spec.py:WhenItTakesLong"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_signal_cleans_up_reports_and_ends_with_130(
    specs: SpecFolder, wait_for_line: WaitForLine, number: signal.Signals
) -> None:
    specs.write("a_spec.py", IN_BECAUSE)
    report = specs.path / "report.xml"
    process = specs.start("specs", "-v", "-s", "--no-random", "--xml", str(report))
    seen = wait_for_line(process, "ready")
    assert "another context" not in seen  # it would come next
    process.send_signal(number)
    output, errors = process.communicate(timeout=DEADLINE)
    assert process.returncode == 130
    assert "cleaned" in output
    assert "another context" not in output
    assert "verdict: interrupted" in output
    assert "cleaning up" in errors
    assert "Traceback" not in output + errors
    assert ET.parse(report).getroot().get("errors") != "0"  # noqa: S314 - our own file


def test_a_second_signal_does_not_stop_the_cleanup_and_says_so(
    specs: SpecFolder, wait_for_line: WaitForLine
) -> None:
    cleanup = "print('in cleanup', flush=True); threading.Event().wait(1)"
    specs.write("a_spec.py", WAITING.format(because="wait_for_a_signal('ready')", cleanup=cleanup))
    process = specs.start(ONE_CLASS, "-v", "-s")
    wait_for_line(process, "ready")
    process.send_signal(signal.SIGINT)
    wait_for_line(process, "in cleanup")
    process.send_signal(signal.SIGINT)
    output, errors = process.communicate(timeout=DEADLINE)
    assert process.returncode == 130
    assert "cleaned" in output
    assert "still cleaning up" in errors


def test_a_third_signal_ends_at_once(specs: SpecFolder, wait_for_line: WaitForLine) -> None:
    specs.write(
        "a_spec.py",
        WAITING.format(
            because="wait_for_a_signal('ready')", cleanup="wait_for_a_signal('in cleanup')"
        ),
    )
    process = specs.start(ONE_CLASS, "-v", "-s")
    wait_for_line(process, "ready")
    process.send_signal(signal.SIGINT)
    wait_for_line(process, "in cleanup")
    assert process.stderr is not None
    process.send_signal(signal.SIGINT)
    while "still cleaning up" not in process.stderr.readline():
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    output, errors = process.communicate(timeout=DEADLINE)
    assert process.returncode == 130
    assert "cleaned" not in output
    assert "ended at once" in errors


def test_a_first_signal_during_an_ordinary_cleanup_lets_it_finish(
    specs: SpecFolder, wait_for_line: WaitForLine
) -> None:
    cleanup = "print('in cleanup', flush=True); threading.Event().wait(1)"
    specs.write("a_spec.py", WAITING.format(because="pass", cleanup=cleanup))
    process = specs.start(ONE_CLASS, "-v", "-s")
    wait_for_line(process, "in cleanup")
    process.send_signal(signal.SIGTERM)
    output, errors = process.communicate(timeout=DEADLINE)
    assert process.returncode == 130
    assert "cleaned" in output
    assert "when this cleanup is done" in errors
