"""What a service's repository may declare: binds, doors past Caddy, checks, images to build."""

from __future__ import annotations

from cluster_tests.behaviours import (
    IsKnownToConsul,
    LeavesNothingBehind,
    PassesItsHealthChecks,
    ReplicatesToItsSlave,
    RoutesThroughEveryNode,
    RunsOnItsMaster,
    behaves_like,
)
from cluster_tests.behaviours.checking import assert_each_same
from cluster_tests.behaviours.echoing import EchoesThroughEveryNode
from cluster_tests.givens.definitions import AQuietApplication, DoorsPastCaddy
from cluster_tests.givens.echoes import CONSUL, AnEcho
from cluster_tests.model import NOWHERE, Check, Placement

_DEPLOYED = (
    RunsOnItsMaster,
    RoutesThroughEveryNode,
    LeavesNothingBehind,
    IsKnownToConsul,
)


@behaves_like(*_DEPLOYED, ReplicatesToItsSlave, PassesItsHealthChecks, EchoesThroughEveryNode)
class WhenAServiceBindsFilesOfItsRepository(AnEcho):
    """deploy-pair: nowhere => core2/core3"""

    before = NOWHERE
    after = Placement("core2", "core3")

    def because_we_deploy(self) -> None:
        self.switch()
        self._await_check()

    def should_see_the_file_with_its_content(self) -> None:
        expected = dict.fromkeys(self.expected.nodes, f"Greetings from {self.version}\n")
        assert_each_same(
            "greeting.txt", expected, self._each(lambda shown: shown.seen["greeting.txt"])
        )

    def should_see_the_files_of_the_directory_with_their_content(self) -> None:
        note = "A note in a directory of the repository\n"
        expected = dict.fromkeys(self.expected.nodes, note)
        found = self._each(lambda shown: shown.seen["server/notes/note.txt"])
        assert_each_same("note.txt", expected, found)

    def should_be_checked_at_the_url_that_it_asks_for(self) -> None:
        checks = {check for service in self.shown.registrations for check in service.checks}
        assert Check(f"http://{self.domain}/ready", "passing") in checks

    def should_have_been_asked_there_by_consul(self) -> None:
        assert CONSUL in self.who_asked


@behaves_like(*_DEPLOYED)
class WhenServicesNameHaproxyAlone(DoorsPastCaddy):
    """deploy-pair: nowhere => core3/core1"""

    before = NOWHERE
    after = Placement("core3", "core1")

    def because_we_deploy(self) -> None:
        self.switch()

    def should_answer_over_tcp_at_its_own_front(self) -> None:
        assert_each_same("TCP", *self._both("line"))

    def should_answer_over_the_shared_http_front_by_host(self) -> None:
        assert_each_same("HTTP by Host", *self._both("by_host"))

    def should_answer_over_the_shared_https_front_by_name_with_its_own_certificate(self) -> None:
        assert_each_same("HTTPS by SNI", *self._both("certified"))

    def should_answer_from_both_services_that_name_one_front(self) -> None:
        assert_each_same("HTTPS beside TCP", *self._both("certified_past_the_shared_front"))
        assert_each_same("TCP beside HTTPS", *self._both("line"))

    def should_have_no_site_in_any_caddy(self) -> None:
        found = {node: view.sites for node, view in self.shown.nodes.items()}
        assert_each_same("sites", dict.fromkeys(self.expected.nodes, frozenset()), found)

    def _both(self, door: str) -> tuple[dict[str, object], dict[str, object]]:
        expected = getattr(self.expected_behind_the_doors, door)
        found = {node: getattr(opened, door) for node, opened in self.opened.items()}
        return dict.fromkeys(self.expected.nodes, expected), found


@behaves_like(*_DEPLOYED, ReplicatesToItsSlave, PassesItsHealthChecks)
class WhenAnApplicationWithoutUrlIsBuiltOnItsNode(AQuietApplication):
    """deploy-pair: nowhere => core4/core2"""

    before = NOWHERE
    after = Placement("core4", "core2")

    def because_we_deploy(self) -> None:
        self.switch()

    def should_keep_a_link_that_is_copied_with_its_directory(self) -> None:
        assert self.linked == "file.txt\n"
        assert self.through_the_link == "The file behind the link\n"

    def should_follow_a_link_that_is_copied_by_itself(self) -> None:
        assert self.copy_of_the_link == "The file behind the link\n"

    def should_be_built_by_a_client_and_an_engine_of_one_api_level(self) -> None:
        assert self.versions.client_api == self.versions.engine_api, self.versions

    def should_have_no_url_and_no_way_in(self) -> None:
        record = self.shown.record
        assert record is not None
        assert (record["urls"], record["domains"], record["haproxy"]) == ([], [], {})
        found = {node: view.routes for node, view in self.shown.nodes.items()}
        assert_each_same("routes", dict.fromkeys(self.expected.nodes, frozenset()), found)

    def should_be_checked_as_its_service_json_says_and_in_no_other_way(self) -> None:
        checks = [check for service in self.shown.registrations for check in service.checks]
        assert checks == [Check("http://127.0.0.1:8500/v1/status/leader", "passing")]
