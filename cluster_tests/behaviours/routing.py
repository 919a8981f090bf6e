"""How an application is reached: what Consul says of it, and where every node sends requests."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cluster_tests.behaviours.checking import assert_each_same, assert_same, mismatch

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cluster_tests.model import Observation


class IsKnownToConsul:
    """The record, the service and the flags in Consul tell the truth about the deploy."""

    expected: Observation
    observed: Observation

    def should_have_a_record_of_this_deploy(self) -> None:
        expected, found = self.expected.record, self.observed.record
        assert expected is not None, "the oracle expects no record: not this behaviour's case"
        assert found is not None, mismatch("consul", "record", dict(expected), None)
        assert_each_same(
            "consul: record", expected, {field: found.get(field) for field in expected}
        )

    def should_have_left_maintenance(self) -> None:
        found = self.observed.maintenance
        assert not found, mismatch("consul", "maintenance flag", expected=False, found=found)

    def should_be_registered_on_its_master_alone(self) -> None:
        expected, found = self.expected.registrations, self.observed.registrations
        assert expected, "the oracle expects no service: not this behaviour's case"
        assert found == expected, mismatch("consul", "service", expected, found)


class PassesItsHealthChecks:
    """Whatever Consul asks of the application, it is answered well."""

    shown: Observation

    def should_pass_its_health_checks(self) -> None:
        checks = [check for service in self.shown.registrations for check in service.checks]
        assert checks, mismatch("consul", "health checks", "at least one", "none")
        failing = {check for check in checks if check.status != "passing"}
        assert not failing, mismatch("consul", "checks that do not pass", set(), failing)


class RoutesThroughEveryNode:
    """Every node's HAProxy leads to the master, and the master's Caddy alone to the containers."""

    expected: Observation
    observed: Observation
    haproxy_complaints: Mapping[str, str]

    def should_route_to_the_master_on_every_node(self) -> None:
        assert_same("routes", self.expected, self.observed, on=self.expected.nodes)

    def should_have_a_configuration_that_haproxy_accepts_on_every_node(self) -> None:
        expected = dict.fromkeys(self.expected.nodes, "")
        assert_each_same("what haproxy -c complains of", expected, self.haproxy_complaints)

    def should_have_its_sites_in_the_caddy_of_the_master_alone(self) -> None:
        assert_same("sites", self.expected, self.observed, on=self.expected.nodes)
