"""How a version of an application is named: a branch or a tag, and a URL in several spellings."""

from __future__ import annotations

from cluster_tests.behaviours import (
    IsKnownToConsul,
    LeavesNothingBehind,
    PassesItsHealthChecks,
    RoutesThroughEveryNode,
    RunsOnItsMaster,
    behaves_like,
)
from cluster_tests.behaviours.echoing import EchoesThroughEveryNode
from cluster_tests.givens.echoes import (
    AnEcho,
    ARunningEcho,
    ASpelledEcho,
    spelling_in_upper_case,
    spellings_of_the_echo,
)
from cluster_tests.model import NOWHERE, Placement

_DEPLOYED = (
    RunsOnItsMaster,
    IsKnownToConsul,
    PassesItsHealthChecks,
    RoutesThroughEveryNode,
    LeavesNothingBehind,
    EchoesThroughEveryNode,
)


@behaves_like(*_DEPLOYED)
class WhenATagIsDeployed(AnEcho):
    """deploy-pair: nowhere => core1/core4"""

    version_kind = "tags"
    before = NOWHERE
    after = Placement("core1", "core4")

    def because_we_deploy_the_tag(self) -> None:
        self.switch()

    def should_be_known_by_the_tag(self) -> None:
        record = self.shown.record
        assert record is not None
        assert record["branch"] == self.version


@behaves_like(*_DEPLOYED)
class WhenARepositoryIsNamedInAnotherWay(ASpelledEcho):
    """deploy-alone: nowhere => core2"""

    before = NOWHERE
    after = Placement("core2")

    @classmethod
    def examples_of_spellings(cls) -> tuple[str, ...]:
        return spellings_of_the_echo()

    def because_we_deploy_from_that_url(self, spelling: str) -> None:
        self._spell(spelling)
        self.switch()

    def should_take_its_name_from_the_path_in_lower_case(self) -> None:
        path = self.spelling.removesuffix(".git").lower()
        assert path.endswith("/echo")
        names = {name.rpartition(".")[0] for name in self.shown.nodes["core2"].checkouts}
        assert names == {f"echo_{self.version}"}

    def should_remember_the_url_less_its_suffix(self) -> None:
        record = self.shown.record
        assert record is not None
        assert record["repo_url"] == self.spelling.removesuffix(".git")


@behaves_like(*_DEPLOYED)
class WhenAnApplicationIsRedeployedByAnotherSpelling(ARunningEcho, ASpelledEcho):
    """move-alone: core3 => core4"""

    before = Placement("core3")
    after = Placement("core4")

    def because_we_deploy_without_suffix_in_upper_case_what_had_one(self) -> None:
        self._spell(spelling_in_upper_case())
        self.switch()

    def should_be_the_same_application_with_a_deploy_before_this_one(self) -> None:
        record = self.shown.record
        assert record is not None
        assert record["previous_deploy_id"]
