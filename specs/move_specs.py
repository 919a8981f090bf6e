"""Switches to nodes that had no role: everything has to be brought there."""

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
class WhenAnApplicationAloneMoves(ARunningApplication):
    """move-alone: core3 => core1"""

    before = Placement("core3")
    after = Placement("core1")

    def because_we_deploy_on_another_master(self) -> None:
        self.switch()


@behaves_like(*A_PAIR, KeepsItsData, EnduresItsSwitch)
class WhenAPairMovesPastCaddy(ARunningApplication):
    """move-pair: core1/core4 => core3/core2"""

    before = Placement("core1", "core4")
    after = Placement("core3", "core2")
    variant = "past-caddy"

    def because_we_deploy_on_two_other_nodes(self) -> None:
        self.switch()

    def should_lead_past_caddy_on_every_node(self) -> None:
        servers = {
            node: {route.server for route in view.routes if route.front == "http-in"}
            for node, view in self.shown.nodes.items()
        }
        [container] = [c.name for c in self.shown.nodes["core3"].containers if c.service == "app"]
        assert servers["core3"] == {f"{container}:8000"}
        assert not any(view.sites for view in self.shown.nodes.values())


@behaves_like(*ALONE, PassesItsHealthChecks, KeepsItsData, EnduresItsSwitch)
class WhenAPairLeavesForOneOtherNode(ARunningApplication):
    """leave-pair: core2/core4 => core3"""

    before = Placement("core2", "core4")
    after = Placement("core3")

    def because_we_deploy_alone_on_another_master(self) -> None:
        self.switch()
