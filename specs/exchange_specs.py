"""Switches from a pair to a pair in which nodes exchange roles, or one is replaced.

Whatever was written while the old pair served must be there when the new one does.
"""

from __future__ import annotations

from cluster_tests.behaviours import (
    A_PAIR,
    EnduresItsSwitch,
    KeepsItsData,
    PassesItsHealthChecks,
    behaves_like,
)
from cluster_tests.givens.applications import ARunningApplication
from cluster_tests.model import Placement


@behaves_like(*A_PAIR, PassesItsHealthChecks, KeepsItsData, EnduresItsSwitch)
class WhenMasterAndSlaveSwapTheirRoles(ARunningApplication):
    """swap: core3/core4 => core4/core3"""

    before = Placement("core3", "core4")
    after = Placement("core4", "core3")

    def because_we_deploy_with_the_roles_swapped(self) -> None:
        self.switch()

    def should_replicate_in_the_other_direction(self) -> None:
        senders = {
            node
            for node, view in self.shown.nodes.items()
            if any(job.action.startswith("replicate:") for job in view.schedules)
        }
        assert senders == {"core4"}


@behaves_like(*A_PAIR, PassesItsHealthChecks, KeepsItsData, EnduresItsSwitch)
class WhenTheSlaveIsReplaced(ARunningApplication):
    """keep-master: core4/core2 => core4/core1"""

    before = Placement("core4", "core2")
    after = Placement("core4", "core1")

    def because_we_deploy_with_another_slave(self) -> None:
        self.switch()


@behaves_like(*A_PAIR, PassesItsHealthChecks, KeepsItsData, EnduresItsSwitch)
class WhenTheMasterMovesAndTheSlaveStays(ARunningApplication):
    """keep-slave: core4/core2 => core1/core2"""

    before = Placement("core4", "core2")
    after = Placement("core1", "core2")

    def because_we_deploy_on_another_master(self) -> None:
        self.switch()

    def should_have_brought_its_volumes_to_the_new_master_as_snapshots(self) -> None:
        sent = {name.partition("@")[0] for name in self.shown.nodes["core1"].snapshots}
        volumes = self.shown.nodes["core1"].btrfs_volumes
        assert volumes
        assert sent == volumes


@behaves_like(*A_PAIR, PassesItsHealthChecks, KeepsItsData, EnduresItsSwitch)
class WhenTheMasterBecomesTheSlaveOfAnother(ARunningApplication):
    """demote: core1/core2 => core3/core1"""

    before = Placement("core1", "core2")
    after = Placement("core3", "core1")

    def because_we_deploy_on_another_master(self) -> None:
        self.switch()


@behaves_like(*A_PAIR, PassesItsHealthChecks, KeepsItsData, EnduresItsSwitch)
class WhenTheSlaveIsPromotedAndAnotherFollows(ARunningApplication):
    """promote: core3/core2 => core2/core4"""

    before = Placement("core3", "core2")
    after = Placement("core2", "core4")

    def because_we_deploy_on_the_slave_with_another(self) -> None:
        self.switch()
