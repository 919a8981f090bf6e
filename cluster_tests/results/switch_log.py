"""The switches of one scenario, kept until the recorder takes them.

What clients saw of a switch is judged only after it: so an entry can be amended until it is taken.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from cluster_tests.results.verdict import Verdict, in_sum

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from cluster_tests.results.values import Downtime, Event, SwitchRecord, Writes


class SwitchLog:
    """Filled by whoever switches and watches, emptied by whoever records."""

    def __init__(self) -> None:
        """Begin with no switch."""
        self._taken = 0
        self._records: list[SwitchRecord] = []
        self._events: list[list[Event]] = []

    def add(self, record: SwitchRecord) -> int:
        """Keep a switch; return the ticket by which it is amended."""
        self._records.append(record)
        self._events.append([])
        return self._taken + len(self._records) - 1

    def amend(  # noqa: PLR0913 - all that can be learnt of a switch, each by its name
        self,
        ticket: int,
        *,
        verdict: Verdict = Verdict.PASS,
        writes: Writes | None = None,
        downtime: Mapping[str, Downtime] | None = None,
        traces: Iterable[str] = (),
        events: Iterable[Event] = (),
    ) -> None:
        """Add what was learnt of a switch; a verdict can only make it worse.

        Raises ``IndexError`` for a switch that the recorder has taken already.
        """
        place = ticket - self._taken
        if place < 0:
            raise IndexError(f"switch {ticket} is written down already")
        known = self._records[place]
        self._records[place] = replace(
            known,
            verdict=in_sum([known.verdict, verdict], of_nothing=known.verdict),
            writes=writes or known.writes,
            downtime={**(known.downtime or {}), **downtime} if downtime else known.downtime,
            traces=(*known.traces, *traces),
        )
        self._events[place].extend(events)

    def take(self) -> list[tuple[SwitchRecord, tuple[Event, ...]]]:
        """Return what was kept, each switch with its events in order of time, and forget it."""
        self._taken += len(self._records)
        taken = [
            (record, tuple(sorted(events, key=lambda event: event.at)))
            for record, events in zip(self._records, self._events, strict=True)
        ]
        self._records, self._events = [], []
        return taken
