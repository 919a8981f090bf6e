"""What an application serves through every node, and what it still has after a switch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cluster_tests.behaviours.checking import assert_each_same
from cluster_tests.tenancy.served import Unavailable

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from cluster_tests.fronts.ledger import Found, Record
    from cluster_tests.model import Observation, Placement
    from cluster_tests.tenancy.served import Served


class ServesThroughEveryNode:
    """Whichever node is asked, the application answers: over HTTP and over SSH."""

    expected: Observation
    served: Mapping[str, Served]
    written: tuple[Record, ...]
    written_after: tuple[Record, ...]
    unacknowledged: tuple[Record, ...]

    def should_accept_a_write_through_every_node(self) -> None:
        found = {node: served.refusal for node, served in self.served.items()}
        assert_each_same("write over HTTP", dict.fromkeys(self.expected.nodes), found)

    def should_show_all_records_over_http_through_every_node(self) -> None:
        found = {node: served.records for node, served in self.served.items()}
        everything = _found(self.written + self.written_after)
        assert_each_same("records over HTTP", dict.fromkeys(self.expected.nodes, everything), found)

    def should_show_all_files_over_ssh_through_every_node(self) -> None:
        # A write that was not acknowledged may have left its file: that comes first.
        perhaps = {record.found.name for record in self.unacknowledged}
        found = {node: _without(perhaps, served.files) for node, served in self.served.items()}
        everything = _found(self.written + self.written_after)
        assert_each_same("files over SSH", dict.fromkeys(self.expected.nodes, everything), found)


class KeepsItsData:
    """What was acknowledged before the switch is there after it; the cache follows its own rule."""

    before: Placement
    after: Placement
    expected: Observation
    served: Mapping[str, Served]
    written: tuple[Record, ...]
    cached: bytes | None

    def should_have_every_record_from_before_the_switch(self) -> None:
        assert self.written, "nothing was written before the switch: there is nothing to keep"
        kept = _found(self.written)
        found = {node: _only(kept, served.records) for node, served in self.served.items()}
        assert_each_same("old records", dict.fromkeys(self.expected.nodes, kept), found)

    def should_have_every_file_from_before_the_switch(self) -> None:
        assert self.written, "nothing was written before the switch: there is nothing to keep"
        kept = _found(self.written)
        found = {node: _only(kept, served.files) for node, served in self.served.items()}
        assert_each_same("old files", dict.fromkeys(self.expected.nodes, kept), found)

    def should_keep_the_cache_where_the_master_stays_and_lose_it_elsewhere(self) -> None:
        assert self.cached, "nothing was cached before the switch: there is nothing to compare"
        expected = self.cached if self.before.master == self.after.master else None
        found = {node: served.cache for node, served in self.served.items()}
        assert_each_same("cache", dict.fromkeys(self.expected.nodes, expected), found)


def _found(records: Iterable[Record]) -> frozenset[Found]:
    return frozenset(record.found for record in records)


def _only(
    wanted: Collection[Found], shown: frozenset[Found] | Unavailable
) -> frozenset[Found] | Unavailable:
    """Leave out what has none of the names that are wanted: it was written later."""
    if isinstance(shown, Unavailable):
        return shown
    names = {found.name for found in wanted}
    return frozenset(found for found in shown if found.name in names)


def _without(
    names: Collection[str], shown: frozenset[Found] | Unavailable
) -> frozenset[Found] | Unavailable:
    if isinstance(shown, Unavailable):
        return shown
    return frozenset(found for found in shown if found.name not in names)
