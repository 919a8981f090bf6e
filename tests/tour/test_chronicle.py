"""What was acknowledged must be there, through every node; the cache goes with its node."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from cluster_tests.tenancy.served import Served, Unavailable
from cluster_tests.tenancy.visit import Visit, records
from cluster_tests.tour.chronicle import Chronicle

if TYPE_CHECKING:
    from cluster_tests.fronts.ledger import Record

NODES = ("core1", "core2")


def visited(*written: Record, first: int, cache: bytes | None = None) -> Visit:
    sent = records(NODES, first=first)
    everything = frozenset(record.found for record in (*written, *sent.values()))
    return Visit(sent, dict.fromkeys(NODES, Served(None, everything, everything, cache)))


def test_what_was_written_and_is_there_is_no_complaint() -> None:
    chronicle = Chronicle()
    first = visited(first=chronicle.next_number)
    assert list(chronicle.judge(first, stays=False)) == []
    second = visited(*first.acknowledged, first=chronicle.next_number)
    assert list(chronicle.judge(second, stays=False)) == []
    assert chronicle.next_number == 5


@pytest.mark.parametrize(("field", "way"), [("records", "over HTTP"), ("files", "over SSH")])
def test_a_record_of_an_earlier_step_that_is_lost_is_named(field: str, way: str) -> None:
    chronicle = Chronicle()
    assert not list(chronicle.judge(visited(first=1), stays=False))
    complaints = list(chronicle.judge(visited(first=3), stays=False))
    assert len(complaints) == 8  # two records, two ways, two nodes
    assert any(f"core2: {way}: record 1 is lost" in each for each in complaints), field


def test_a_write_that_was_refused_may_be_there_or_not() -> None:
    chronicle = Chronicle()
    visit = visited(first=1)
    refused = {**visit.served, "core2": replace(visit.served["core2"], refusal=Unavailable("503"))}
    complaints = list(chronicle.judge(Visit(visit.sent, refused), stays=False))
    assert complaints == ["core2: a write was refused: 503"]
    assert list(chronicle.judge(visited(visit.sent["core1"], first=3), stays=False)) == []


def test_a_node_that_does_not_serve_is_a_complaint() -> None:
    visit = visited(first=1)
    served = {**visit.served, "core1": replace(visit.served["core1"], files=Unavailable("gone"))}
    complaints = list(Chronicle().judge(Visit(visit.sent, served), stays=False))
    assert complaints == ["core1: over SSH: gone"]


def test_asking_nobody_proves_nothing() -> None:
    assert list(Chronicle().judge(Visit({}, {}), stays=False)) == ["no node was asked"]


def test_the_cache_stays_with_the_master_and_is_lost_without_it() -> None:
    chronicle = Chronicle()
    first = visited(first=1)
    assert not list(chronicle.judge(first, stays=False))
    content = chronicle.new_cache()
    kept = visited(*first.acknowledged, first=3, cache=content)
    assert not list(chronicle.judge(kept, stays=True))
    [one, two] = chronicle.judge(
        visited(*first.acknowledged, *kept.acknowledged, first=5, cache=content), stays=False
    )
    assert one.startswith("core1: cache: expected None, found b'cached")
    assert two.startswith("core2: cache")
