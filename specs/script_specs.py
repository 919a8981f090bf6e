"""Update scripts: a deploy runs them when it asks for it, before anything is started."""

from __future__ import annotations

from cluster_tests.behaviours import (
    EnduresItsSwitch,
    KeepsItsData,
    ServesThroughEveryNode,
    behaves_like,
)
from cluster_tests.behaviours.refusing import ChangesNothing, IsRefused
from cluster_tests.givens.refusals import AnUndisturbedApplication
from cluster_tests.givens.scripts import AnApplicationWithScripts
from cluster_tests.model import Placement


@behaves_like(ServesThroughEveryNode, KeepsItsData, EnduresItsSwitch)
class WhenADeployOnAnotherMasterAsksForAnUpdate(AnApplicationWithScripts):
    """swap: core1/core2 => core2/core1"""

    before = Placement("core1", "core2")
    after = Placement("core2", "core1")
    update = True

    def because_we_deploy_with_an_update(self) -> None:
        self.switch()

    def should_run_the_update_script_before_the_containers_start(self) -> None:
        assert self.scripts == (f"update.sh {self.own_arguments} while 0 run",)


@behaves_like(ServesThroughEveryNode, KeepsItsData, EnduresItsSwitch)
class WhenADeployOnTheSameMasterAsksForAnUpdate(AnApplicationWithScripts):
    """redeploy-alone: core3 => core3"""

    before = Placement("core3")
    after = Placement("core3")
    update = True

    def because_we_deploy_with_an_update(self) -> None:
        self.switch()

    def should_run_the_update_script_before_the_containers_start(self) -> None:
        assert self.scripts == (f"update.sh {self.own_arguments} while 0 run",)


@behaves_like(ServesThroughEveryNode, KeepsItsData, EnduresItsSwitch)
class WhenADeployDoesNotAskForAnUpdate(AnApplicationWithScripts):
    """move-alone: core3 => core4"""

    before = Placement("core3")
    after = Placement("core4")

    def because_we_deploy_without_an_update(self) -> None:
        self.switch()

    def should_run_no_script(self) -> None:
        assert self.scripts == ()


@behaves_like(ChangesNothing, IsRefused, ServesThroughEveryNode)
class WhenTheUpdateScriptOfADeployFails(AnUndisturbedApplication):
    """The old version serves again, with the data from before the script."""

    def because_we_deploy_with_an_update(self) -> None:
        self.publish("failing-update")
        self.attempt_deploy("update.sh has a bad day", update=True)
        self.deploy_again()
