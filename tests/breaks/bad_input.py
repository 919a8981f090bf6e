"""Runs one spec class with everything that can be wrong around it, and looks at how it refuses.

    python tests/breaks/bad_input.py [NAME…]    those cases, or all of them
    python tests/breaks/bad_input.py --list     what there is
    python tests/breaks/bad_input.py --table    the rows of docs/proofs.md, from what was seen last

The cluster is the local lab, which must be up; what a case does to it is undone whatever happens.
A case is passed when the run ends in time, with the documented exit code, says what it must, and
leaves nothing in the suite's journal. Exit code: 0 when all are passed, else 1.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from bad_input_cases import CASES, Bench, Case
from breaking import DEPLOY_PAIR
from evidence import shortened

from cluster_tests.errors import UsageError
from cluster_tests.journal import Journal
from cluster_tests.lab.plan import LabPlan
from cluster_tests.report import say
from cluster_tests.results.place import journal_path

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
_RESULTS = ROOT / "results" / "bad_input"
_PATIENCE = 180.0  # seconds after which a run counts as hanging


@dataclass(frozen=True)
class Outcome:
    """How one case ended; ``problems`` are what is not as it must be."""

    exit_code: int
    seconds: float
    said: str
    problems: tuple[str, ...]


def main(arguments: list[str] | None = None) -> int:
    """Try what was asked for; return the exit code."""
    parser = argparse.ArgumentParser(description="Tries what can be wrong around a run of specs.")
    parser.add_argument("names", nargs="*", metavar="NAME", help="cases (default: all)")
    parser.add_argument("--list", action="store_true", help="print all cases")
    parser.add_argument("--table", action="store_true", help="print the table of docs/proofs.md")
    options = parser.parse_args(arguments)
    if options.list:
        say("\n".join(f"{case.name}: {case.what}" for case in CASES), indent=0)
        return 0
    if options.table:
        say("\n".join(_table()), indent=0)
        return 0
    known = {case.name: case for case in CASES}
    failed = [name for name in options.names or known if not _passed(known[name])]
    say(f"not as it must be: {', '.join(failed)}" if failed else "all as it must be", indent=0)
    return 1 if failed else 0


def _passed(case: Case) -> bool:
    say(f"{case.name}: {case.what}", indent=0)
    with TemporaryDirectory(prefix="cluster-tests-bad-") as directory:
        outcome = _try(case, Bench.of(LabPlan().inventory, Path(directory)))
    _RESULTS.mkdir(parents=True, exist_ok=True)
    (_RESULTS / f"{case.name}.json").write_text(json.dumps(asdict(outcome), indent=1))
    say(f"exit code {outcome.exit_code} after {outcome.seconds:.1f} s\n{outcome.said}")
    for problem in outcome.problems:
        say(f"NOT AS IT MUST BE: {problem}")
    return not outcome.problems


def _try(case: Case, bench: Bench) -> Outcome:
    journal = Journal(ROOT / journal_path(os.environ))
    left = journal.left()
    with case.arranged(bench) as inventory:
        spec = str(bench.spec or DEPLOY_PAIR)
        command = [_run_contexts(), spec, "-v", "-s", "--seed", "1", "--inventory", str(inventory)]
        started = time.monotonic()
        done = subprocess.run(
            command, cwd=ROOT, capture_output=True, text=True, timeout=_PATIENCE, check=False
        )
        seconds = time.monotonic() - started
    output = (done.stdout + done.stderr).replace(str(bench.directory), "DIR")
    problems = [f"nothing says {text!r}" for text in case.says if text not in output]
    if done.returncode != case.exit_code:
        problems.append(f"exit code {done.returncode}, not {case.exit_code}")
    if seconds > case.seconds:
        problems.append(f"it took {seconds:.1f} s, more than {case.seconds}")
    if journal.left() != left:
        problems.append("something was created and is still there")
    return Outcome(done.returncode, seconds, "\n".join(_told(output)), tuple(problems))


def _run_contexts() -> str:
    found = shutil.which("run-contexts", path=str(Path(sys.executable).parent))
    if found is None:
        raise UsageError("run-contexts is not beside this Python", remedy="make specs")
    return found


def _told(output: str) -> Iterator[str]:
    """Leave out what Contexts prints around an error."""
    lines = [line.strip() for line in output.splitlines()]
    for line in dict.fromkeys(lines):
        if line and not set(line) <= {"-", "="} and "to repeat it" not in line:
            yield line


def _table() -> Iterator[str]:
    yield "| what was wrong | exit code | seconds | what was said |"
    yield "| --- | --- | --- | --- |"
    for case in CASES:
        path = _RESULTS / f"{case.name}.json"
        if not path.exists():
            yield f"| {case.what} | | | *not seen yet* |"
            continue
        seen = json.loads(path.read_text())
        if seen["problems"]:
            yield f"| {case.what} (`{case.name}`) | | | *not as it must be, at the last try* |"
            continue
        yield (
            f"| {case.what} (`{case.name}`) | {seen['exit_code']} | {seen['seconds']:.1f} "
            f"| `{_cell(seen['said'])}` |"
        )


def _cell(said: str) -> str:
    return shortened(said.replace("|", "\\|").replace("`", "'"), 300)


if __name__ == "__main__":
    sys.exit(main())
