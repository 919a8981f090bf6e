"""What the witness can swear to after a switch: what was promised, what was kept, what is lost."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from cluster_tests.fronts.ledger import Change, compare
from cluster_tests.witness.attempts import Outcome, What
from cluster_tests.witness.downtime import Downtime, downtimes

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from cluster_tests.fronts.ledger import Difference, Found, Record
    from cluster_tests.witness.attempts import Attempt, Route


@dataclass(frozen=True)
class Statement:
    """All attempts of a switch, in the order they were planned in."""

    attempts: tuple[Attempt, ...]

    @property
    def attempted(self) -> int:
        """How many records were written, or tried to be."""
        return sum(attempt.what is What.WRITE for attempt in self.attempts)

    @property
    def acknowledged(self) -> tuple[Record, ...]:
        """The records that must be there from now on."""
        return self._records(Outcome.ACKNOWLEDGED)

    @property
    def failed(self) -> tuple[Record, ...]:
        """The records that must not be there: their write never reached the application."""
        return self._records(Outcome.FAILED)

    @property
    def unknown(self) -> tuple[Record, ...]:
        """The records that may be there or not."""
        return self._records(Outcome.UNKNOWN)

    @cached_property
    def downtime(self) -> Mapping[Route, Downtime]:
        """How long each route was away."""
        return downtimes(self.attempts)

    def _records(self, outcome: Outcome) -> tuple[Record, ...]:
        return tuple(
            attempt.record
            for attempt in self.attempts
            if attempt.what is What.WRITE
            and attempt.record is not None
            and attempt.answer.outcome is outcome
        )


@dataclass(frozen=True)
class Writes:
    """What became of a switch's writes.

    ``lost`` were acknowledged and are not there as they were written, as a row and as a file;
    ``recovered`` are unknown and there; ``unexpected`` are there although they failed for certain,
    or were never written. ``missing`` are unknown and not there.
    """

    lost: tuple[Difference, ...]
    recovered: tuple[Record, ...]
    missing: tuple[Record, ...]
    unexpected: tuple[Difference, ...]


def judge_writes(
    statement: Statement,
    *,
    promised: Iterable[Record],
    possible: Iterable[Record],
    rows: Iterable[Found],
    files: Iterable[Found],
) -> Writes:
    """Compare what was promised with the ``rows`` and ``files`` that are there afterwards.

    ``promised`` are all records that were ever acknowledged until the switch was over, ``possible``
    those of which it does not matter whether they are there: written afterwards, or unknown since
    an earlier switch. An unknown write may have left a file and no row: the file comes first
    (fixtures/services/ledger/README.md).
    """
    rows, files = tuple(rows), tuple(files)
    there = {found.name for found in rows}
    recovered = tuple(record for record in statement.unknown if record.found.name in there)
    promised, possible = tuple(promised), (*statement.unknown, *possible)
    differences = {
        difference
        for found in (rows, files)
        for difference in compare(promised, found, possible=possible)
    }
    kept = {difference for difference in differences if difference.change is Change.UNEXPECTED}
    return Writes(
        lost=tuple(sorted(differences - kept, key=_number)),
        recovered=recovered,
        missing=tuple(record for record in statement.unknown if record not in recovered),
        unexpected=tuple(sorted(kept, key=_number)),
    )


def _number(difference: Difference) -> tuple[int, str]:
    return (int(difference.name) if difference.name.isdecimal() else -1, str(difference.change))
