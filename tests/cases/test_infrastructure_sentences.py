"""Each sentence about the infrastructure fails for what it is about, and for nothing else."""

from __future__ import annotations

import importlib.util
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from cluster_tests.foundation.facts import NodeFacts, Room, Versions
from cluster_tests.foundation.transfers import ARRIVED
from cluster_tests.givens.infrastructure import LEAST_FREE_BYTES

if TYPE_CHECKING:
    from types import ModuleType

SPECS = Path(__file__).parents[2] / "specs" / "infrastructure_specs.py"
NODES = frozenset({"core1", "core2"})
PROXIES = frozenset({"haproxy", "caddy"})
VERSIONS = Versions("26", "1.45", "26", "1.45", "2.26", "6.1", "btrfs-progs v6", "1.8.7", "3.13 a")
FACTS = NodeFacts(
    hostname="core1",
    versions=VERSIONS,
    plugin_enabled=True,
    leader="172.30.77.11:8300",
    alive=NODES,
    attached=PROXIES,
    running=PROXIES | {"consul"},
    haproxy_complaint="",
    caddy_complaint="",
    rooms={"btrfs": Room(LEAST_FREE_BYTES, 1.0)},
)


@pytest.fixture(scope="module")
def specs() -> ModuleType:
    spec = importlib.util.spec_from_file_location("infrastructure_specs", SPECS)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def red(context: Any) -> set[str]:  # noqa: ANN401 - a class of the specs
    failed = set()
    for name in (name for name in vars(type(context)) if name.startswith("should_")):
        try:
            getattr(context, name)()
        except AssertionError:
            failed.add(name)
    return failed


def a_node(specs: ModuleType, facts: NodeFacts) -> Any:  # noqa: ANN401
    context = specs.WhenANodeIsAskedWhatItStandsOn()
    context.node, context.facts, context.nodes = "core1", facts, NODES
    context.proxies, context.infrastructure = PROXIES, PROXIES | {"consul"}
    return context


def all_nodes(specs: ModuleType, other: Versions) -> Any:  # noqa: ANN401
    context = specs.WhenTheNodesAreCompared()
    context.versions = {"core1": VERSIONS, "core2": other}
    context.leaders = {"core1": "a:8300", "core2": "a:8300"}
    context.clocks_apart = 0.9
    return context


def test_nodes_that_are_fit_are_green(specs: ModuleType) -> None:
    assert red(a_node(specs, FACTS)) == set()
    assert red(all_nodes(specs, VERSIONS)) == set()


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"hostname": "core2"}, "should_answer_under_its_own_name"),
        ({"running": PROXIES}, "should_run_the_containers_of_the_infrastructure"),
        ({"plugin_enabled": False}, "should_have_the_volume_plugin_enabled"),
        ({"attached": None}, "should_have_both_proxies_in_the_external_network"),
        ({"attached": {"caddy"}}, "should_have_both_proxies_in_the_external_network"),
        ({"haproxy_complaint": "no"}, "should_have_a_configuration_that_haproxy_accepts"),
        ({"caddy_complaint": "no"}, "should_have_a_configuration_that_caddy_accepts"),
        ({"alive": {"core1"}}, "should_see_every_node_alive_in_consul"),
        ({"leader": ""}, "should_know_a_leader"),
        ({"rooms": {"btrfs": Room(1, 1.0)}}, "should_have_room_on_its_disks"),
        ({"rooms": {"btrfs": Room(LEAST_FREE_BYTES, 0.01)}}, "should_have_room_for_more_files"),
    ],
)
def test_a_node_that_is_not_fit_is_red(
    specs: ModuleType, change: dict[str, Any], sentence: str
) -> None:
    assert red(a_node(specs, replace(FACTS, **change))) == {sentence}


@pytest.mark.parametrize(
    ("field", "sentence"),
    [
        ("engine", "should_run_the_same_engine"),
        ("engine_api", "should_run_the_same_engine"),
        ("client", "should_have_the_same_client_and_compose"),
        ("client_api", "should_have_the_same_client_and_compose"),
        ("compose", "should_have_the_same_client_and_compose"),
        ("plugin", "should_have_the_same_volume_plugin"),
        ("kernel", "should_run_the_same_kernel"),
        ("btrfs", "should_have_the_same_btrfs"),
        ("consul", "should_run_the_same_consul"),
    ],
)
@pytest.mark.parametrize("version", ["another", ""])
def test_nodes_that_differ_are_red(
    specs: ModuleType, field: str, sentence: str, version: str
) -> None:
    assert red(all_nodes(specs, replace(VERSIONS, **{field: version}))) == {sentence}


def test_two_leaders_and_clocks_apart_are_red(specs: ModuleType) -> None:
    context = all_nodes(specs, VERSIONS)
    context.leaders = {"core1": "a:8300", "core2": "b:8300"}
    context.clocks_apart = 1.0
    assert red(context) == {
        "should_follow_one_leader",
        "should_agree_on_the_time_within_a_second",
    }


@pytest.mark.parametrize("arrivals", [{}, {"core2": "Permission denied"}])
def test_a_snapshot_that_does_not_arrive_is_red(
    specs: ModuleType, arrivals: dict[str, str]
) -> None:
    context = specs.WhenANodeSendsASnapshotToEachOther()
    context.expected_arrivals = {"core2": ARRIVED}
    context.arrivals = arrivals
    assert red(context) == {"should_arrive_on_every_other_node"}
