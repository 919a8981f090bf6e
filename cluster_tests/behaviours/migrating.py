"""What must be true of a migration, whether it went well or not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cluster_tests.behaviours.checking import assert_each_same, assert_nothing_changed

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from cluster_tests.fronts.asking import Failure
    from cluster_tests.fronts.ledger import Record
    from cluster_tests.givens.refusals import Look
    from cluster_tests.tenancy.served import Served


class LeavesTheSourceAlone:
    """The source keeps its data and does not notice; both run where and as they ran."""

    was: Look
    stayed: Look
    source_served: Mapping[str, Served]
    source_written: tuple[Record, ...]
    asked: Mapping[str, int]
    failures: tuple[Failure, ...]

    def should_not_interrupt_the_source(self) -> None:
        assert self.asked, "nobody asked the source"
        assert all(self.asked.values()), self.asked
        assert not self.failures, "\n".join(map(str, self.failures))

    def should_leave_the_source_its_records_through_every_node(self) -> None:
        assert_serves("the source", self.source_written, self.source_served)

    def should_leave_the_target_where_and_as_it_ran(self) -> None:
        assert_nothing_changed("the target", self.was.application, self.stayed.application)

    def should_leave_every_other_application_as_it_was(self) -> None:
        assert self.was.others, "there is no other application: nothing would be compared"
        assert self.stayed.others.keys() == self.was.others.keys()
        for name, before in self.was.others.items():
            assert_nothing_changed(name, before, self.stayed.others[name])


class HandsItsDataOver:
    """The target has the source's records instead of its own, but what must stay has stayed."""

    target_served: Mapping[str, Served]
    source_written: tuple[Record, ...]
    complaints: Mapping[str, tuple[str, ...]]
    notes_found: Mapping[tuple[str, str], str]

    def should_have_the_source_s_records_through_every_node(self) -> None:
        assert_serves("the target", self.source_written, self.target_served)

    def should_log_no_error(self) -> None:
        assert_each_same("errors", dict.fromkeys(self.complaints, ()), self.complaints)

    def should_keep_the_target_s_content_of_a_volume_that_is_not_migrable(self) -> None:
        assert self.notes_found["target", "/srv/kept"] == "the target"
        assert self.notes_found["source", "/srv/kept"] == "the source"

    def should_leave_volumes_alone_that_only_one_of_them_has(self) -> None:
        assert self.notes_found["target", "/srv/theirs"] == "the target"
        assert self.notes_found["source", "/srv/ours"] == "the source"


class KeepsItsOwnData:
    """The target serves what it served before the migration."""

    written: tuple[Record, ...]
    target_served: Mapping[str, Served]

    def should_still_have_the_target_s_own_records_through_every_node(self) -> None:
        assert_serves("the target", self.written, self.target_served)


def assert_serves(whose: str, expected: Iterable[Record], served: Mapping[str, Served]) -> None:
    """Assert that every node serves exactly the records that are ``expected``, in both ways."""
    everything = frozenset(record.found for record in expected)
    for way in ("records", "files"):
        found = {node: getattr(one, way) for node, one in served.items()}
        assert_each_same(f"{whose}: {way}", dict.fromkeys(served, everything), found)
