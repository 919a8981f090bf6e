"""`cluster-tests nightly` from its first line to its exit code; its parts are programs of paper."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

DEADLINE = 60  # seconds for a whole night of nothing
# Writes down what it was asked, and does what the test wants of that command.
PART = """
import json, os, signal, sys, time
words = [os.path.basename(sys.argv[0]), *sys.argv[1:]]
with open("asked", "a") as file:
    file.write(" ".join(words[:3 if words[1] == "lab" else 2]) + chr(10))
name = "specs" if words[0] == "run-contexts" else words[2] if words[1] == "lab" else words[1]
if name in ("specs", "tour"):
    of_ours = (os.environ["CLUSTER_TESTS_" + each] for each in ("RESULTS", "RUN_ID"))
    directory = os.path.join(*of_ours)
    os.makedirs(directory)
    open(os.path.join(directory, "run.json"), "w").write(os.environ.get("WRITTEN", "{}"))
wanted = json.loads(os.environ["WANTED"]).get(name, 0)
if wanted == "wait":
    def clear(*_):
        print(name, "cleared", flush=True)
        sys.exit(130)
    signal.signal(signal.SIGINT, clear)
    open("waiting", "w").write(str(os.getpid()))
    print(name, "waits", flush=True)
    signal.pause()
sys.exit(wanted)
"""


@dataclass
class Nights:
    """Nights in a directory of their own, one after the other or at one time."""

    path: Path
    _started: list[subprocess.Popen[str]] = field(default_factory=list)

    def start(self, *options: str, **wanted: object) -> subprocess.Popen[str]:
        program = "from cluster_tests.cli import main; main()"
        environ = {
            **os.environ,
            "PATH": f"{self.path / 'bin'}{os.pathsep}{os.environ['PATH']}",
            "WANTED": json.dumps(wanted),
        }
        environ.pop("CLUSTER_TESTS_RESULTS", None)
        process = subprocess.Popen(
            [sys.executable, "-c", program, "nightly", *options],
            cwd=self.path,
            env=environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._started.append(process)
        return process

    def run(self, *options: str, **wanted: object) -> tuple[int, str]:
        process = self.start(*options, **wanted)
        output, _ = process.communicate(timeout=DEADLINE)
        return process.returncode, output

    @property
    def asked(self) -> list[str]:
        return (self.path / "asked").read_text().splitlines()

    def end(self) -> None:
        """Kill what still runs: a part outlives a night that was killed, and has its output."""
        waiting = self.path / "waiting"
        for process in self._started:
            process.kill()
        if waiting.exists():
            with suppress(ProcessLookupError):
                os.kill(int(waiting.read_text()), signal.SIGKILL)
        for process in self._started:
            process.communicate()


@pytest.fixture
def nights(tmp_path: Path) -> Iterator[Nights]:
    (tmp_path / "bin").mkdir()
    for name in ("cluster-tests", "run-contexts"):
        program = tmp_path / "bin" / name
        program.write_text(f"#!{sys.executable}\n{textwrap.dedent(PART)}")
        program.chmod(0o755)
    found = Nights(tmp_path)
    yield found
    found.end()


def wait_for(process: subprocess.Popen[str], text: str) -> None:
    assert process.stdout is not None
    for line in process.stdout:
        if line.strip() == text:
            return
    pytest.fail(f"the night ended without saying {text!r}")


WHOLE = ["lab up", "doctor", "specs/", "tour", "merge", "lab down"]


def names(asked: list[str]) -> list[str]:
    return [line.partition(" ")[2] for line in asked]


@pytest.mark.parametrize(
    ("wanted", "code"),
    [
        ({}, 0),
        ({"specs": 1}, 1),
        ({"tour": 2}, 2),
        ({"specs": 2, "tour": 1}, 1),
        ({"down": 1}, 2),
        ({"merge": 1}, 1),
    ],
    ids=str,
)
def test_a_whole_night(nights: Nights, wanted: dict[str, Any], code: int) -> None:
    ended, output = nights.run(**wanted)
    assert ended == code, output
    assert names(nights.asked) == WHOLE


def test_a_whole_night_tells_what_went_wrong_before_it_is_summed_up(
    nights: Nights, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = {"format": 1, "run_id": "x", "command": [], "started": "", "errors": ["no cluster"]}
    monkeypatch.setenv("WRITTEN", json.dumps(run))
    _, output = nights.run(tour=1)
    lines = output.splitlines()
    assert lines.count("the run itself: no cluster") == 1  # the specs passed
    assert lines.index("the run itself: no cluster") < len(lines) - len(WHOLE)
    assert lines[-1] == "verdict of the night: fail"


@pytest.mark.parametrize(
    ("broken", "code", "wanted"),
    [
        ("up", 2, ["lab up", "lab down"]),
        ("doctor", 2, ["lab up", "doctor", "lab down"]),
    ],
)
def test_without_a_fit_cluster_nothing_is_judged_and_the_lab_goes_down(
    nights: Nights, broken: str, code: int, wanted: list[str]
) -> None:
    ended, output = nights.run(**{broken: 1})
    assert ended == code, output
    assert names(nights.asked) == wanted
    assert "verdict of the night: unknown" in output


def test_a_wrong_inventory_is_a_mistake_in_the_arguments(nights: Nights) -> None:
    ended, output = nights.run("--inventory", "none.yaml", doctor=3)
    assert ended == 3, output
    assert names(nights.asked) == ["doctor"]


def test_the_deadline_ends_what_runs_and_the_lab_goes_down_all_the_same(nights: Nights) -> None:
    ended, output = nights.run("--deadline", "0.1", specs="wait")
    assert ended == 2, output
    assert "specs cleared" in output
    assert "ended by the night's deadline" in output
    assert "not run: the night's deadline has passed" in output
    assert names(nights.asked) == ["lab up", "doctor", "specs/", "merge", "lab down"]


def test_a_second_night_is_refused_while_the_first_runs(nights: Nights) -> None:
    first = nights.start(specs="wait")
    wait_for(first, "specs waits")
    ended, output = nights.run()
    assert ended == 3, output
    assert f"another nightly run is under way here (process {first.pid})" in output
    assert "run-contexts specs/" in nights.asked[-1]
    first.send_signal(signal.SIGTERM)
    output, _ = first.communicate(timeout=DEADLINE)
    assert first.returncode == 130, output


def test_what_a_killed_night_has_left_running_keeps_the_next_one_out(nights: Nights) -> None:
    first = nights.start(specs="wait")
    wait_for(first, "specs waits")
    first.kill()
    first.wait()
    ended, output = nights.run()
    assert ended == 3, output
    assert "another nightly run is under way here" in output


def test_results_of_the_same_name_are_not_taken_for_the_night_s(
    nights: Nights, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLUSTER_TESTS_RUN_ID", "night")
    assert nights.run()[0] == 0
    assert (nights.path / "results" / "night-specs").is_dir()
    ended, output = nights.run()
    assert ended == 3
    assert "results of the run night already: results/night-specs" in output
