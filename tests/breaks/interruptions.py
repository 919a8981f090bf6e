"""Ends a tour by a signal in the middle of a step, and looks at what is left of it.

    python tests/breaks/interruptions.py    Ctrl-C, SIGTERM, and SIGKILL with ``clean`` after it

The cluster is the local lab, which must be up. Prints the rows of docs/proofs.md. Exit code: 0
when every run ended as it must, and nothing was left, else 1.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from breaking import ROOT
from lab_nodes import in_node

from cluster_tests.expectation.question import footprint
from cluster_tests.journal import Claim, Journal
from cluster_tests.lab.plan import LabPlan
from cluster_tests.model import Application
from cluster_tests.report import say
from cluster_tests.results.place import journal_path
from cluster_tests.results.verdict import INTERRUPTED_CODE
from cluster_tests.session.session import open_session
from cluster_tests.tenancy.traces import traces

_COMMAND = str(Path(sys.executable).with_name("cluster-tests"))
_STEP = re.compile(rb"2/\d+ ")  # the second step: by then there is an application with records
_PATIENCE = 120  # seconds
_REPOSITORY = "/srv/git/ledger.git"


@dataclass(frozen=True)
class Ended:
    """How a tour ended that got a signal, and what it had on the cluster when it came."""

    exit_code: int
    seconds: float
    said: str
    claims: list[Claim]


def main() -> int:
    """Try all; return the exit code."""
    expected = {
        signal.SIGINT: INTERRUPTED_CODE,
        signal.SIGTERM: INTERRUPTED_CODE,
        signal.SIGKILL: -9,
    }
    right = [_try(number, code) for number, code in expected.items()]
    return 0 if all(right) else 1


def _try(number: signal.Signals, exit_code: int) -> bool:
    ended = _end_a_tour(number)
    left, cleaned = _left_of(ended.claims), ""
    if number == signal.SIGKILL:
        done = subprocess.run(
            [_COMMAND, "clean"], cwd=ROOT, capture_output=True, text=True, check=False
        )
        cleaned = f"; `clean` ends with {done.returncode}: {done.stdout.strip().splitlines()[-1:]}"
        killed, left = left, _left_of(ended.claims)
        cleaned = f"left: {', '.join(killed)}{cleaned}; then left: {', '.join(left) or 'nothing'}"
    what = cleaned or f"left: {', '.join(left) or 'nothing'}"
    say(f"| {number.name} | {ended.exit_code} | {ended.seconds:.1f} | {what} |", indent=0)
    say(ended.said)
    return ended.exit_code == exit_code and bool(ended.claims) and not left


def _end_a_tour(number: signal.Signals) -> Ended:
    journal = Journal(ROOT / journal_path(os.environ))
    before = journal.left()
    command = [_COMMAND, "tour", "--kinds", "--seed", "1"]
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as tour:
        assert tour.stdout
        for line in tour.stdout:
            if _STEP.match(line):
                break
        claims = [claim for entry, claim in journal.left().items() if entry not in before]
        sent = time.monotonic()
        tour.send_signal(number)
        output = tour.communicate(timeout=_PATIENCE)[0].decode(errors="replace")
        seconds = time.monotonic() - sent
    said = [line.strip() for line in output.splitlines() if "clean" in line or "left" in line]
    return Ended(tour.returncode, seconds, "\n".join(said), claims)


def _left_of(claims: list[Claim]) -> list[str]:
    """Name what the journal, the cluster and the forge still have of what a tour had created."""
    journal = Journal(ROOT / journal_path(os.environ))
    left = ["an entry in the journal"] if set(claims) & set(journal.left().values()) else []
    session = open_session(LabPlan().inventory)
    try:
        for claim in claims:
            application = Application(claim.repo_url, claim.branch)
            left += traces(session.cluster.observe(footprint(application)))
    finally:
        session.close()
    branches = in_node(
        "forge", "git", "-c", "safe.directory=*", "-C", _REPOSITORY, "branch", "--all"
    )
    left += [f"the branch {each.branch}" for each in claims if each.branch in branches]
    return left


if __name__ == "__main__":
    sys.exit(main())
