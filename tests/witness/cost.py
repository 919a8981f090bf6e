"""Measures what the witness costs a switch: swaps with it and without it, in turn.

    python tests/witness/cost.py [--pairs N] [--rate R] [--timeline FILE]

Before each swap everything is read through every node, as specs do it after one, and a witness
begins, which waits for its first answers: what the swap before has left the nodes to tidy up is
over then. Where the swap is to go without one it ends before. On the local lab, or the cluster of
CLUSTER_TESTS_INVENTORY. Prints each switch, and the ratio of the means with its standard error
(goal: at most 1.05). Exit code 0 also where the goal is missed: it is a measurement.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import secrets
import sys
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from statistics import mean, stdev
from typing import TYPE_CHECKING

from cluster_tests.errors import ClusterTestsError
from cluster_tests.lab.plan import LabPlan
from cluster_tests.model import Placement
from cluster_tests.report import say
from cluster_tests.session.session import Session, open_session
from cluster_tests.tenancy.telling import timeline
from cluster_tests.tenancy.tenant import Moved, Tenant
from cluster_tests.tenancy.visit import read, visit
from cluster_tests.tenancy.watching import Earlier, witness_of
from cluster_tests.timeline.recorder import Recorder
from cluster_tests.witness.witness import RATE, Witness

if TYPE_CHECKING:
    from collections.abc import Sequence

GOAL = 1.05


class Subject:
    """One ledger that goes to and fro between two nodes."""

    def __init__(self, session: Session) -> None:
        """Deploy it, and write a record through every node."""
        publication = session.plan("ledger", f"cost-{secrets.token_hex(3)}")
        self._session = session
        self._tenant = Tenant(session, publication)
        self._tenant.move_in()
        self._ledgers = session.ledgers(publication)
        first, second, *_ = session.inventory.node_names
        self._next, self._other = Placement(first, second), Placement(second, first)
        self.swap()
        self._known = visit(session, self._ledgers, first=1).acknowledged
        self._number = len(self._known) + 1

    def read(self) -> None:
        """Read all there is, through every node."""
        read(self._session, self._ledgers)

    def swap(self) -> Moved:
        """Swap the roles; raise what kept it from settling."""
        moved = self._tenant.move(self._next)
        self._next, self._other = self._other, self._next
        if moved.failure is not None:
            raise moved.failure
        return moved

    def swap_alone(self, rate: float) -> Moved:
        """Swap once a witness has begun and ended: it begins before the switch, here and there."""
        with self._witness(rate) as witness:
            pass
        self._number += witness.statement.attempted
        return self.swap()

    def watched_swap(self, rate: float, path: Path | None) -> Moved:
        """Swap while a witness writes and reads; keep the timeline in ``path``."""
        recorder = Recorder(self._session.cluster, self._tenant.application)
        with recorder, self._witness(rate) as witness:
            moved = self.swap()
        statement = witness.statement
        self._number += statement.attempted
        for route, downtime in statement.downtime.items():
            say(f"{route} away {downtime}")
        if path is not None:
            events = timeline(recorder, moved, statement)
            lines = (json.dumps(asdict(event), ensure_ascii=False) for event in events)
            path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        return moved

    def _witness(self, rate: float) -> Witness:
        earlier = Earlier(self._known[0], self._number)
        return witness_of(self._tenant, self._ledgers, self._next, earlier, rate)


def main() -> int:
    """Measure as asked for."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--pairs", type=int, default=8, help="swaps of each sort: 8, at least 2")
    parser.add_argument("--rate", type=float, default=RATE, help="turns a second")
    parser.add_argument("--timeline", type=Path, help="keep the last watched swap's as JSON lines")
    options = parser.parse_args()
    if options.pairs < 2:
        parser.error("--pairs: at least 2")
    named = os.environ.get("CLUSTER_TESTS_INVENTORY")
    try:
        with closing(open_session(Path(named) if named else LabPlan().inventory)) as session:
            _measure(Subject(session), options)
    except ClusterTestsError as error:
        sys.stderr.write(f"error: {error}\n")
        return error.exit_code
    return 0


def _measure(subject: Subject, options: argparse.Namespace) -> None:
    watched: list[float] = []
    alone: list[float] = []
    for number in range(options.pairs):
        # Each sort is first as often as the other: what grows over time hits both alike.
        for with_witness in (True, False) if number % 2 else (False, True):
            subject.read()
            if with_witness:
                moved = subject.watched_swap(options.rate, options.timeline)
                watched.append(moved.seconds)
            else:
                alone.append(subject.swap_alone(options.rate).seconds)
    ratio = mean(watched) / mean(alone)
    say(f"with {mean(watched):.2f} s, without {mean(alone):.2f} s", indent=0)
    met = "met" if ratio <= GOAL else "missed"
    give_or_take = ratio * math.hypot(_own_error(watched), _own_error(alone))
    say(
        f"ratio {ratio:.3f}, give or take {give_or_take:.3f}, of {options.pairs} pairs"
        f" (goal {GOAL}: {met})",
        indent=0,
    )


def _own_error(times: Sequence[float]) -> float:
    """Give the standard error of the mean, as a share of the mean."""
    return stdev(times) / math.sqrt(len(times)) / mean(times)


if __name__ == "__main__":
    sys.exit(main())
