"""The scribe: it writes until it is refused or stopped, and tells what was acknowledged."""

from __future__ import annotations

import threading
from itertools import count
from typing import TYPE_CHECKING, cast

import pytest

from cluster_tests.errors import FrontError, NodeError
from cluster_tests.fronts.ledger import Ledger, Record
from cluster_tests.tenancy.scribe import Scribe

if TYPE_CHECKING:
    from collections.abc import Iterator

PATIENCE = 10


class PaperLedger:
    """Takes ``room`` records, then raises ``refusal``."""

    def __init__(self, room: int, refusal: Exception) -> None:
        self.stored: list[Record] = []
        self.full = threading.Event()
        self._room, self._refusal = room, refusal

    def write(self, record: Record) -> None:
        if len(self.stored) == self._room:
            self.full.set()
            raise self._refusal
        self.stored.append(record)


def records() -> Iterator[Record]:
    return (Record(number, "text") for number in count(1))


def scribe_at(ledger: PaperLedger) -> Scribe:
    return Scribe(cast("Ledger", ledger), records())


def test_it_writes_until_it_is_refused() -> None:
    ledger = PaperLedger(3, FrontError("core1", "in maintenance"))
    with scribe_at(ledger) as scribe:
        assert ledger.full.wait(PATIENCE)
    assert [record.id for record in scribe.acknowledged] == [1, 2, 3]


def test_it_ends_when_the_switch_does() -> None:
    ledger = PaperLedger(10**9, FrontError("core1", "never"))
    with scribe_at(ledger) as scribe:
        pass
    assert list(scribe.acknowledged) == ledger.stored != []


def test_what_is_no_refusal_of_a_front_is_raised() -> None:
    ledger = PaperLedger(0, NodeError("core1", "the tunnel broke"))
    with pytest.raises(NodeError, match="the tunnel broke"), scribe_at(ledger):
        assert ledger.full.wait(PATIENCE)


def test_it_hides_no_error_of_the_switch() -> None:
    ledger = PaperLedger(0, NodeError("core1", "the tunnel broke"))
    with pytest.raises(ValueError, match="the first error"), scribe_at(ledger):
        raise ValueError("the first error")
