"""Tells all that was learnt of a switch: one line to people, the rest to the session's log."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING

from cluster_tests.report import say
from cluster_tests.results import values
from cluster_tests.results.verdict import Verdict
from cluster_tests.timeline.layers import Layer

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from cluster_tests.session.session import Session
    from cluster_tests.tenancy.tenant import Moved
    from cluster_tests.timeline.recorder import Recorder
    from cluster_tests.witness.attempts import Route
    from cluster_tests.witness.downtime import Downtime
    from cluster_tests.witness.statement import Statement, Writes
    from cluster_tests.witness.tracing import Trace

_LONGEST = 160  # characters of a reason that are worth showing


@dataclass(frozen=True)
class Learnt:
    """What clients went through: None is what nobody watched, or nothing could be read of."""

    statement: Statement | None = None
    writes: Writes | None = None
    traces: tuple[Trace, ...] = ()

    def downtime(self, moved: Moved) -> Mapping[Route, Downtime]:
        """How long each route was away; empty where nobody watched, or it was not to come back."""
        gone = moved.switch.after.master is None
        return {} if self.statement is None or gone else self.statement.downtime

    def tally(self) -> values.Writes | None:
        """Count the writes; None where it is not known what became of them."""
        if self.statement is None or self.writes is None:
            return None
        return values.Writes(
            attempted=self.statement.attempted,
            acknowledged=len(self.statement.acknowledged),
            failed=len(self.statement.failed),
            unknown=len(self.statement.unknown),
            lost=len(self.writes.lost),
            recovered=len(self.writes.recovered),
            unexpected=len(self.writes.unexpected),
        )


def tell(
    session: Session,
    moved: Moved,
    learnt: Learnt,
    recorder: Recorder,
    phases: Iterable[values.Event] = (),
) -> None:
    """Tell of a switch; ``phases`` are what the spec did after it."""
    downtime, tally = learnt.downtime(moved), learnt.tally()
    said = [f"{route} away {each}" for route, each in downtime.items()]
    if tally is not None:
        said.append(f"writes: {_counted(tally)}")
    say("; ".join(said))
    if moved.ticket is None:
        return
    budget = session.inventory.budgets.get(moved.switch.kind)
    wrong = learnt.writes is not None and (learnt.writes.lost or learnt.writes.unexpected)
    late = budget is not None and any(each.exceeds(budget) for each in downtime.values())
    session.switches.amend(
        moved.ticket,
        verdict=Verdict.FAIL if wrong or late else Verdict.PASS,
        writes=tally,
        downtime={str(route): _measured(each, budget) for route, each in downtime.items()},
        traces=[str(trace) for trace in learnt.traces],
        events=timeline(recorder, moved, learnt.statement, phases),
    )


def timeline(
    recorder: Recorder,
    moved: Moved,
    statement: Statement | None,
    phases: Iterable[values.Event] = (),
) -> list[values.Event]:
    """Join what all layers tell of a switch, in order."""
    event_id, settled = moved.expectation.history.event_id, moved.started + moved.seconds
    asked = f"{moved.switch}: asked for, event {event_id}"
    what = "settling" if moved.failure is None else "waiting in vain"
    own = (
        values.Event(moved.started, Layer.EVENT, asked),
        values.Event(
            moved.started, Layer.SPEC, what, until=settled, failed=moved.failure is not None
        ),
    )
    told = recorder.events(event_id, moved.started)
    return sorted(
        chain(own, phases, told, _outages(statement)), key=lambda event: (event.at, event.what)
    )


def _outages(statement: Statement | None) -> Iterator[values.Event]:
    for route, downtime in () if statement is None else statement.downtime.items():
        for node, outages in downtime.own.items():
            for outage in outages:
                what = f"{route} away: {outage.reason[:_LONGEST]}"
                yield values.Event(outage.begin, Layer.WITNESS, what, node, outage.end, failed=True)


def _measured(downtime: Downtime, budget: float | None) -> values.Downtime:
    return values.Downtime(
        seconds=downtime.seconds,
        maintenance_seconds=downtime.maintenance_seconds,
        worst_node=downtime.worst_node,
        resolution=downtime.resolution,
        budget=budget,
    )


def _counted(tally: values.Writes) -> str:
    counts = {name: number for name, number in vars(tally).items() if name != "attempted"}
    return ", ".join(f"{number} {name}" for name, number in counts.items() if number) or "none"
