"""`.ci/run` ends with what failed: the lab's own last lines come above it, not below."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
VIEWER = 2000  # characters that a CI system's viewer shows of a log
# make's targets as the script asks for them; what they do is the test's.
MAKEFILE = """
.PHONY: engine lab-down specs test
engine lab-down:
\t@true
specs:
\t@PYTHONWARNINGS=ignore {python} -m contexts specs -v -s
test:
\t@{test}
"""
# No lab is touched; powering it off says more than a viewer shows.
COMMAND = f"""#!{sys.executable}
import sys
from cluster_tests.cli import main
if sys.argv[1] == "lab":
    print("lab", *sys.argv[2:], "says a line\\n" * 200)
    sys.exit({{lab}})
main()
"""
BAD = """
from cluster_tests.errors import HarnessError
class WhenItBreaks:
    def because(self): raise HarnessError("no answer\\n" * 50, remedy="look there")
    def should_hold(self): assert 1
"""
GOOD = BAD.replace("raise HarnessError(", "str(").replace(', remedy="look there"', "")


def program(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(textwrap.dedent(text))
    path.chmod(0o755)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    (tmp_path / ".ci").mkdir()
    shutil.copy(ROOT / ".ci" / "run", tmp_path / ".ci")
    program(tmp_path / "cluster_tests/lab/prepare.sh", "#!/bin/sh\necho the engine is stopped\n")
    program(tmp_path / ".venv/bin/cluster-tests", COMMAND.format(lab=0))
    program(tmp_path / ".venv/bin/python", "#!/bin/sh\n")
    (tmp_path / "Makefile").write_text(MAKEFILE.format(python=sys.executable, test="true"))
    (tmp_path / "specs").mkdir()
    (tmp_path / "specs" / "exchange_specs.py").write_text(GOOD)
    return tmp_path


def run(checkout: Path) -> tuple[int, str]:
    environ = {**os.environ, "TMPDIR": str(checkout), "PYTHONPATH": str(ROOT)}
    environ.pop("CLUSTER_TESTS_RESULTS", None)
    done = subprocess.run(
        [checkout / ".ci" / "run"], env=environ, capture_output=True, text=True, timeout=60,
        check=False,
    )  # fmt: skip
    return done.returncode, done.stdout


def test_what_passes_says_nothing_of_a_failure(checkout: Path) -> None:
    code, output = run(checkout)
    assert code == 0
    assert output.endswith("the engine is stopped\n")
    assert not list(checkout.glob("tmp.*"))


def test_a_spec_that_broke_is_told_in_what_a_viewer_shows(checkout: Path) -> None:
    (checkout / "specs" / "exchange_specs.py").write_text(BAD)
    code, output = run(checkout)
    assert code == 2
    shown = output[-VIEWER:].splitlines()
    begin = shown.index("unknown: specs/exchange_specs.py:WhenItBreaks")
    assert shown[begin + 1] == "    because: no answer"
    assert "        to mend it: look there" in shown
    assert shown.index("the engine is stopped") < begin
    assert shown[-2:] == ["verdict: unknown", ".ci/run: failed with 2: make specs"]


def test_what_failed_beside_the_specs_is_named(checkout: Path) -> None:
    (checkout / "Makefile").write_text(MAKEFILE.format(python=sys.executable, test="false"))
    code, output = run(checkout)
    assert code == 2
    assert output.splitlines()[-2:] == ["verdict: pass", ".ci/run: failed with 2: CI=1 make test"]


def test_a_lab_that_stays_up_is_named(checkout: Path) -> None:
    program(checkout / ".venv/bin/cluster-tests", COMMAND.format(lab="sys.argv[2:] == ['down']"))
    code, output = run(checkout)
    assert code == 1
    assert output.endswith(".ci/run: failed with 1: .venv/bin/cluster-tests lab down\n")


def test_an_earlier_run_is_not_taken_for_this_one(checkout: Path) -> None:
    old = checkout / "results" / "old"
    old.mkdir(parents=True)
    told = {"format": 1, "run_id": "old", "command": [], "started": "", "errors": ["long ago"]}
    (old / "run.json").write_text(json.dumps(told))
    os.utime(old / "run.json", (1, 1))
    makefile = MAKEFILE.format(python="false", test="true")
    (checkout / "Makefile").write_text(makefile)
    code, output = run(checkout)
    assert code == 2
    assert output.endswith("the engine is stopped\n.ci/run: failed with 2: make specs\n")


@pytest.mark.parametrize(("kept", "asked"), [("", ["", "--purge", "--purge"]), ("1", [""])])
def test_nothing_of_an_earlier_lab_is_used_unless_it_is_to_be_kept(
    checkout: Path, monkeypatch: pytest.MonkeyPatch, kept: str, asked: list[str]
) -> None:
    monkeypatch.setenv("KEEP_LAB", kept)
    code, output = run(checkout)
    assert code == 0
    downs = [line.split()[2] for line in output.splitlines() if line.startswith("lab down")]
    assert sorted(option.removeprefix("says") for option in downs) == asked
