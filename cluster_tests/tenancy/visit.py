"""A visit to a ledger through every node at once: write, read everything, or find nobody there."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Protocol, TypeVar

from cluster_tests.fronts.ledger import Record
from cluster_tests.tenancy.served import Departed, departed, served, written

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from cluster_tests.fronts.ledger import Ledger
    from cluster_tests.tenancy.served import Served

T = TypeVar("T")


class Caller(Protocol):
    """Whoever can ask several nodes at one time: the session."""

    def answers(self, calls: Mapping[str, Callable[[], T]]) -> dict[str, T]:
        """Run ``calls`` at one time and return their values by key."""


@dataclass(frozen=True)
class Visit:
    """What came of a visit: what was sent through each node, and what each node then served."""

    sent: Mapping[str, Record]
    served: Mapping[str, Served]

    @property
    def acknowledged(self) -> tuple[Record, ...]:
        """The records that must be there from now on."""
        return tuple(
            record for node, record in self.sent.items() if self.served[node].refusal is None
        )

    @property
    def possible(self) -> tuple[Record, ...]:
        """The records that may be there or not: their write was not acknowledged."""
        return tuple(
            record for node, record in self.sent.items() if self.served[node].refusal is not None
        )


def visit(caller: Caller, ledgers: Mapping[str, Ledger], *, first: int) -> Visit:
    """Write one record through each node, numbered from ``first``, then read all through each."""
    sent = records(ledgers, first=first)
    refusals = caller.answers(
        {node: partial(written, ledger, sent[node]) for node, ledger in ledgers.items()}
    )
    shown = caller.answers(
        {node: partial(served, ledger, refusals[node]) for node, ledger in ledgers.items()}
    )
    return Visit(sent, shown)


def read(caller: Caller, ledgers: Mapping[str, Ledger]) -> dict[str, Served]:
    """Read all through each node, and write nothing."""
    return caller.answers({node: partial(served, ledgers[node], None) for node in ledgers})


def find_nobody(caller: Caller, ledgers: Mapping[str, Ledger]) -> dict[str, Departed]:
    """Ask every node for an application that is gone."""
    return caller.answers({node: partial(departed, ledgers[node]) for node in ledgers})


def records(nodes: Iterable[str], *, first: int) -> dict[str, Record]:
    """Make a record to be written through each node."""
    return {node: record(number, node) for number, node in enumerate(nodes, start=first)}


def record(number: int, node: str) -> Record:
    """Make a record whose text tells where it was written, and is no ASCII."""
    return Record(number, f"record {number} through {node}: æ 記録\nsecond line")
