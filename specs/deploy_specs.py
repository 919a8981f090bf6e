"""Deploys of an application that is nowhere yet."""

from __future__ import annotations

from cluster_tests.behaviours import A_PAIR, ALONE, PassesItsHealthChecks, behaves_like
from cluster_tests.givens.applications import AnApplication
from cluster_tests.model import NOWHERE, Placement


@behaves_like(*ALONE, PassesItsHealthChecks)
class WhenAnApplicationIsDeployedAlone(AnApplication):
    """deploy-alone: nowhere => core1"""

    before = NOWHERE
    after = Placement("core1")

    def because_we_deploy_on_a_master_alone(self) -> None:
        self.switch()

    def should_know_of_no_deploy_before_this_one(self) -> None:
        record = self.shown.record
        assert record is not None
        assert not record["previous_deploy_id"]


@behaves_like(*A_PAIR, PassesItsHealthChecks)
class WhenAnApplicationIsDeployedOnAPair(AnApplication):
    """deploy-pair: nowhere => core1/core2"""

    before = NOWHERE
    after = Placement("core1", "core2")

    def because_we_deploy_on_a_master_and_a_slave(self) -> None:
        self.switch()

    def should_know_of_no_deploy_before_this_one(self) -> None:
        record = self.shown.record
        assert record is not None
        assert not record["previous_deploy_id"]
