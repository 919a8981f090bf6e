"""Where an application is: on its master, on its slave, and nowhere else."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from cluster_tests.behaviours.checking import (
    assert_each_same,
    assert_same,
    master_of,
    mismatch,
    slave_of,
    without_role,
)
from cluster_tests.model import NodeView

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cluster_tests.cluster.replication import Replicated
    from cluster_tests.model import Observation, Placement


class RunsOnItsMaster:
    """The master runs the version that was deployed, with its volumes and its checkout."""

    after: Placement
    expected: Observation
    observed: Observation

    def should_run_its_containers_on_the_master(self) -> None:
        assert_same("containers", self.expected, self.observed, on=master_of(self.after))

    def should_have_its_volumes_on_the_master_with_their_drivers(self) -> None:
        assert_same("volumes", self.expected, self.observed, on=master_of(self.after))

    def should_have_its_btrfs_volumes_on_the_master(self) -> None:
        assert_same("btrfs_volumes", self.expected, self.observed, on=master_of(self.after))

    def should_have_the_checkout_of_this_deploy_alone_on_the_master(self) -> None:
        assert_same("checkouts", self.expected, self.observed, on=master_of(self.after))


class ReplicatesToItsSlave:
    """The master sends its volumes to the slave, and the slave keeps them tidy and nothing else."""

    after: Placement
    expected: Observation
    observed: Observation
    replicated: Mapping[str, Replicated]

    def should_schedule_purge_and_replication_on_the_master(self) -> None:
        assert_same("schedules", self.expected, self.observed, on=master_of(self.after))

    def should_schedule_purge_alone_on_the_slave(self) -> None:
        assert_same("schedules", self.expected, self.observed, on=slave_of(self.after))

    def should_hold_the_snapshots_that_the_switch_needed(self) -> None:
        both = master_of(self.after) + slave_of(self.after)
        assert_same("snapshots", self.expected, self.observed, on=both)

    def should_have_the_checkout_of_this_deploy_alone_on_the_slave(self) -> None:
        assert_same("checkouts", self.expected, self.observed, on=slave_of(self.after))

    def should_run_nothing_on_the_slave(self) -> None:
        assert_same("containers", self.expected, self.observed, on=slave_of(self.after))

    def should_have_no_volume_on_the_slave(self) -> None:
        assert_same("volumes", self.expected, self.observed, on=slave_of(self.after))
        assert_same("btrfs_volumes", self.expected, self.observed, on=slave_of(self.after))

    def should_deliver_a_snapshot_taken_now_that_restores_to_the_same_content(self) -> None:
        volumes = self.expected.nodes[master_of(self.after)[0]].btrfs_volumes
        tried = frozenset(self.replicated)
        assert tried == volumes, mismatch("slave", "volumes that arrived", volumes, tried)
        assert_each_same(
            "content of a snapshot of",
            {name: each.taken for name, each in self.replicated.items()},
            {name: each.restored or each.objection for name, each in self.replicated.items()},
        )


class KeepsSnapshotsOnItsMaster:
    """Without a slave the master takes snapshots by itself, and keeps them tidy."""

    after: Placement
    expected: Observation
    observed: Observation

    def should_schedule_purge_and_snapshots_on_the_master(self) -> None:
        assert_same("schedules", self.expected, self.observed, on=master_of(self.after))

    def should_hold_the_snapshots_that_the_switch_needed_on_the_master(self) -> None:
        assert_same("snapshots", self.expected, self.observed, on=master_of(self.after))


class LeavesNothingBehind:
    """Nodes without a role show nothing of the application, but the way to its master."""

    after: Placement
    observed: Observation

    def should_leave_nothing_on_nodes_without_a_role(self) -> None:
        nodes = without_role(self.after, list(self.observed.nodes))
        found = {
            # Snapshots may remain (docs/contract.md), and every node routes to the master.
            node: replace(view, snapshots=frozenset(), routes=frozenset())
            for node, view in self.observed.nodes.items()
            if node in nodes
        }
        assert_each_same("everything", {node: NodeView() for node in nodes}, found)
