"""Deploys of a new version where the application already is: nobody changes roles."""

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


@behaves_like(*ALONE, PassesItsHealthChecks, KeepsItsData, EnduresItsSwitch)
class WhenAnApplicationAloneIsDeployedAgain(ARunningApplication):
    """redeploy-alone: core4 => core4"""

    before = Placement("core4")
    after = Placement("core4")

    def because_we_deploy_on_the_same_master(self) -> None:
        self.switch()

    def should_name_the_deploy_before_this_one(self) -> None:
        record = self.shown.record
        assert record is not None
        assert record["previous_deploy_id"]
        assert record["previous_deploy_id"] != record["deploy_id"]


@behaves_like(*A_PAIR, PassesItsHealthChecks, KeepsItsData, EnduresItsSwitch)
class WhenAPairIsDeployedAgain(ARunningApplication):
    """redeploy-pair: core2/core3 => core2/core3"""

    before = Placement("core2", "core3")
    after = Placement("core2", "core3")

    def because_we_deploy_on_the_same_pair(self) -> None:
        self.switch()

    def should_name_the_deploy_before_this_one(self) -> None:
        record = self.shown.record
        assert record is not None
        assert record["previous_deploy_id"]
        assert record["previous_deploy_id"] != record["deploy_id"]
