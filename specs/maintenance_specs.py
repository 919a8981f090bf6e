"""Maintenance: what everybody sees while the flag is up, and when a switch has it up."""

from __future__ import annotations

from cluster_tests.behaviours.checking import assert_each_same
from cluster_tests.givens.maintenance import AFlagByHand, AFlagUpByHand, ARecordedFlag
from cluster_tests.model import Placement


class WhenTheMaintenanceFlagIsRaisedByHand(AFlagByHand):
    """An application in maintenance is away through every node, and no other notices."""

    before = Placement("core1", "core2")
    beside = Placement("core1", "core3")

    def because_somebody_raises_the_flag(self) -> None:
        self._raise_flag()

    def should_lose_its_haproxy_entries_on_every_node_and_nothing_else(self) -> None:
        lost = {
            node: self.shown_before.nodes[node].routes - view.routes
            for node, view in self.expected_during.nodes.items()
        }
        assert all(lost.values()), f"there is a node with nothing to lose: {lost}"
        expected = {node: view.routes for node, view in self.expected_during.nodes.items()}
        found = {node: view.routes for node, view in self.shown_during.nodes.items()}
        assert_each_same("routes", expected, found)

    def should_refuse_ssh_through_every_node_where_it_answered(self) -> None:
        earlier = {node: met.ssh_refused for node, met in self.met_before.items()}
        found = {node: met.ssh_refused for node, met in self.met_during.items()}
        assert_each_same(
            "SSH refused before", dict.fromkeys(self.shown_before.nodes, False), earlier
        )
        assert_each_same("SSH refused", dict.fromkeys(self.shown_before.nodes, True), found)

    def should_be_answered_by_the_maintenance_page_of_caddy_through_every_node(self) -> None:
        found = {node: (met.status, met.title, met.server) for node, met in self.met_during.items()}
        assert_each_same(
            "page", dict.fromkeys(self.shown_before.nodes, (503, True, "Caddy")), found
        )

    def should_show_nothing_else_that_changed(self) -> None:
        assert self.shown_during == self.expected_during

    def should_not_be_noticed_by_its_neighbour(self) -> None:
        assert self.neighbours_asked
        assert all(self.neighbours_asked.values()), self.neighbours_asked
        assert not self.neighbours_failures, "\n".join(map(str, self.neighbours_failures))
        assert self.neighbour_during == self.neighbour_before


class WhenTheMaintenanceFlagIsLoweredByHand(AFlagUpByHand):
    """With the flag gone, all is back as it was."""

    before = Placement("core3", "core4")
    beside = Placement("core2", "core3")

    def because_somebody_lowers_the_flag(self) -> None:
        self._lower_flag()

    def should_show_what_it_showed_before(self) -> None:
        assert self.shown_during == self.expected_during, "it was not in maintenance"
        assert self.shown_after == self.shown_before

    def should_answer_as_before_through_every_node(self) -> None:
        assert_each_same("answers", self.met_before, self.met_after)

    def should_still_have_every_record_and_file(self) -> None:
        kept = frozenset(record.found for record in self.written)
        assert kept
        found = {node: (each.records, each.files) for node, each in self.served_after.items()}
        assert_each_same("records", dict.fromkeys(self.shown_before.nodes, (kept, kept)), found)


class WhenASwitchIsUnderWay(ARecordedFlag):
    """swap: core2/core4 => core4/core2"""

    before = Placement("core2", "core4")
    after = Placement("core4", "core2")

    def because_we_switch_and_record_the_flag(self) -> None:
        self._switch_recorded()

    def should_have_raised_the_flag_exactly_once(self) -> None:
        assert self.history.raised == 1, self.history

    def should_have_lowered_the_flag_exactly_once(self) -> None:
        assert self.history.lowered == 1, self.history
        assert not self.history.up
