"""Switches that give a slave to a master alone, or take it away."""

from __future__ import annotations

from cluster_tests.behaviours import (
    A_PAIR,
    ALONE,
    EnduresItsSwitch,
    KeepsItsData,
    PassesItsHealthChecks,
    behaves_like,
)
from cluster_tests.givens.applications import ARunningApplication
from cluster_tests.model import Placement


@behaves_like(*A_PAIR, PassesItsHealthChecks, KeepsItsData, EnduresItsSwitch)
class WhenAMasterGainsASlave(ARunningApplication):
    """gain-slave: core2 => core2/core3"""

    before = Placement("core2")
    after = Placement("core2", "core3")

    def because_we_deploy_with_a_slave(self) -> None:
        self.switch()


@behaves_like(*A_PAIR, PassesItsHealthChecks, KeepsItsData, EnduresItsSwitch)
class WhenAMasterAloneHandsOverAndBecomesTheSlave(ARunningApplication):
    """hand-over: core1 => core4/core1"""

    before = Placement("core1")
    after = Placement("core4", "core1")

    def because_we_deploy_with_the_old_master_as_slave(self) -> None:
        self.switch()


@behaves_like(*A_PAIR, PassesItsHealthChecks, KeepsItsData, EnduresItsSwitch)
class WhenAnApplicationAloneMovesToAPair(ARunningApplication):
    """spread: core2 => core3/core4"""

    before = Placement("core2")
    after = Placement("core3", "core4")

    def because_we_deploy_on_two_other_nodes(self) -> None:
        self.switch()


@behaves_like(*ALONE, PassesItsHealthChecks, KeepsItsData, EnduresItsSwitch)
class WhenThePairLosesItsSlave(ARunningApplication):
    """drop-slave: core3/core1 => core3"""

    before = Placement("core3", "core1")
    after = Placement("core3")

    def because_we_deploy_without_a_slave(self) -> None:
        self.switch()


@behaves_like(*ALONE, PassesItsHealthChecks, KeepsItsData, EnduresItsSwitch)
class WhenTheSlaveTakesOverAlone(ARunningApplication):
    """promote-alone: core4/core2 => core2"""

    before = Placement("core4", "core2")
    after = Placement("core2")

    def because_we_deploy_on_the_slave_alone(self) -> None:
        self.switch()
