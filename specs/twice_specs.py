"""Events that come while others are handled, or more than once."""

from __future__ import annotations

from cluster_tests.behaviours import (
    IsKnownToConsul,
    KeepsItsData,
    LeavesNothingBehind,
    ReplicatesToItsSlave,
    RoutesThroughEveryNode,
    RunsOnItsMaster,
    ServesThroughEveryNode,
    behaves_like,
)
from cluster_tests.behaviours.refusing import ChangesNothing
from cluster_tests.givens.refusals import AnOvertakenDeploy, AnUndisturbedApplication
from cluster_tests.model import Placement


@behaves_like(
    RunsOnItsMaster,
    ReplicatesToItsSlave,
    IsKnownToConsul,
    RoutesThroughEveryNode,
    ServesThroughEveryNode,
    KeepsItsData,
    LeavesNothingBehind,
)
class WhenADeployComesBeforeTheLastOneHasEnded(AnOvertakenDeploy):
    """move-pair: core1/core2 => core4/core3"""

    before = Placement("core1", "core2")
    after = Placement("core4", "core3")

    def because_we_deploy_elsewhere_and_at_once_elsewhere_again(self) -> None:
        self.switch_twice(first=Placement("core3", "core1"))

    def should_have_been_sent_before_the_first_one_was_decided(self) -> None:
        record = self.shown.record
        assert record is not None
        assert self.deploy_id_meanwhile
        assert self.deploy_id_meanwhile not in {self.first, record["deploy_id"]}

    def should_carry_out_both_in_turn(self) -> None:
        record = self.shown.record
        assert record is not None
        assert record["previous_deploy_id"] == self.first

    def should_log_no_error_for_the_first_one(self) -> None:
        assert self.complaints == dict.fromkeys(self.expected.nodes, ())


@behaves_like(ChangesNothing, ServesThroughEveryNode)
class WhenAnEventIsDeliveredTwice(AnUndisturbedApplication):
    """The agents know its ID: they do nothing, and say nothing more."""

    def because_consul_hands_the_deploy_over_again(self) -> None:
        self.deliver_again()
        self.deploy_again()

    def should_be_handled_once(self) -> None:
        assert all(self.told_before.values())
        assert self.told_after == self.told_before
