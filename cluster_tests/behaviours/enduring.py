"""What clients go through in a switch: nothing is lost, and the application is back soon."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cluster_tests.behaviours.checking import mismatch

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cluster_tests.witness.statement import Statement, Writes
    from cluster_tests.witness.tracing import Trace


class EnduresItsSwitch:
    """Whoever wrote and read meanwhile lost nothing, and did not wait longer than is allowed."""

    statement: Statement | None
    writes: Writes | None
    lost_traces: tuple[Trace, ...]
    budget: float | None

    def should_lose_no_write_that_was_acknowledged_meanwhile(self) -> None:
        assert self.statement is not None, "nobody watched the switch"
        assert self.statement.acknowledged, "no write was acknowledged: none could be lost"
        assert self.writes is not None, "no node shows what is there"
        assert not self.writes.lost, _lines(
            "acknowledged writes that are lost", self.writes.lost, self.lost_traces
        )

    def should_hold_nothing_that_was_refused_or_never_written(self) -> None:
        assert self.writes is not None, "no node shows what is there"
        assert not self.writes.unexpected, _lines(
            "records that must not be there", self.writes.unexpected
        )

    def should_be_away_no_longer_than_its_budget(self) -> None:
        assert self.budget is not None, "this kind of switch has no budget"
        assert self.statement is not None, "nobody watched the switch"
        assert self.statement.downtime, "no way was tried"
        late = [
            mismatch(
                downtime.worst_node or "all nodes",
                f"seconds away over {route}",
                f"at most {self.budget:g}",
                str(downtime),
            )
            for route, downtime in self.statement.downtime.items()
            if downtime.exceeds(self.budget)
        ]
        assert not late, "\n".join(late)


def _lines(what: str, *found: Iterable[object]) -> str:
    return "\n".join([f"{what}:", *(f"  {each}" for group in found for each in group)])
