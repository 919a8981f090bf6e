"""What is left of an application that was destroyed: snapshots, and nothing else."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from cluster_tests.behaviours.checking import assert_each_same, assert_same, master_of, mismatch
from cluster_tests.model import NodeView

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cluster_tests.model import Observation, Placement
    from cluster_tests.tenancy.served import Departed


class LeavesSnapshotsAlone:
    """No node shows anything of the application any more, but what its volumes last held."""

    before: Placement
    expected: Observation
    observed: Observation
    shown: Observation

    def should_leave_nothing_but_snapshots_on_any_node(self) -> None:
        found = {
            node: replace(view, snapshots=frozenset()) for node, view in self.shown.nodes.items()
        }
        assert_each_same("everything", dict.fromkeys(self.expected.nodes, NodeView()), found)

    def should_keep_a_last_snapshot_of_each_volume_on_its_old_master(self) -> None:
        kept = self.expected.nodes[str(self.before.master)].snapshots
        assert kept, "the oracle expects no snapshot: not this behaviour's case"
        assert_same("snapshots", self.expected, self.observed, on=master_of(self.before))


class IsForgottenByConsul:
    """Consul holds neither record nor flag nor service of the application."""

    shown: Observation

    def should_have_no_record(self) -> None:
        found = self.shown.record
        assert found is None, mismatch("consul", "record", None, found)

    def should_have_no_maintenance_flag(self) -> None:
        found = self.shown.maintenance
        assert not found, mismatch("consul", "maintenance flag", expected=False, found=found)

    def should_have_no_service(self) -> None:
        found = self.shown.registrations
        assert not found, mismatch("consul", "service", frozenset(), found)


class IsNotFoundThroughAnyNode:
    """Whichever node is asked, it is as if the application had never been."""

    expected: Observation
    departed: Mapping[str, Departed]

    def should_be_answered_over_http_as_a_domain_that_nobody_has(self) -> None:
        strangers = {node: found.stranger for node, found in self.departed.items()}
        found = {node: found.answer for node, found in self.departed.items()}
        assert self.departed.keys() == self.expected.nodes.keys(), "not every node was asked"
        assert all(isinstance(answer, tuple) for answer in strangers.values()), mismatch(
            "all nodes", "answer for a domain that nobody has", "an answer", strangers
        )
        assert_each_same("answer over HTTP", strangers, found)

    def should_be_refused_over_ssh(self) -> None:
        found = {node: found.refuses_ssh for node, found in self.departed.items()}
        assert_each_same("refuses SSH", dict.fromkeys(self.expected.nodes, True), found)
