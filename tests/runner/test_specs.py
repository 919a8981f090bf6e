"""The project's own specs, as far as they can be checked without a cluster."""

from __future__ import annotations

import importlib.util
import itertools
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from cluster_tests.givens.versions import AnApplicationWithANewVersion
from cluster_tests.grammar.catalogue import entry_of
from cluster_tests.grammar.rules import require_good_grammar, spec_classes
from cluster_tests.model import Kind, Role, Switch

if TYPE_CHECKING:
    from types import ModuleType

NODES = ("core1", "core2", "core3", "core4")
FILES = sorted((Path(__file__).parents[2] / "specs").glob("*spec*.py"))


def load(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def modules() -> list[ModuleType]:
    return [load(path) for path in FILES]


def test_the_specs_have_no_problem(modules: list[ModuleType]) -> None:
    require_good_grammar(modules)


def test_every_file_of_specs_is_found_by_contexts() -> None:
    everything = sorted((Path(__file__).parents[2] / "specs").rglob("*.py"))
    assert everything == FILES


def switches_of(modules: list[ModuleType]) -> list[Switch]:
    classes = [cls for module in modules for cls in spec_classes(module)]
    cases = [entry_of(cls, "") for cls in classes]
    return [case.switch for case in cases if case.switch]


def test_each_of_the_19_kinds_has_a_class(modules: list[ModuleType]) -> None:
    assert {switch.kind for switch in switches_of(modules)} == set(Kind)


PROMISED = [
    "nowhere => core1",
    "nowhere => core1/core2",
    "core3/core4 => core4/core3",
    "core2/core3 => core2/core3",
    "core1/core4 => core3/core2",
    "core4/core2 => core4/core1",
    "core4/core2 => core1/core2",
]


def test_the_switches_that_are_promised_are_made(modules: list[ModuleType]) -> None:
    assert set(PROMISED) <= {str(switch) for switch in switches_of(modules)}


def test_every_node_has_been_master_slave_and_without_a_role(modules: list[ModuleType]) -> None:
    roles = {
        (node, switch.after.role_of(node)) for switch in switches_of(modules) for node in NODES
    }
    assert roles == set(itertools.product(NODES, Role))


@pytest.mark.parametrize(
    "kind",
    [
        *(Kind.REDEPLOY_PAIR, Kind.KEEP_MASTER, Kind.KEEP_SLAVE, Kind.SWAP),
        *(Kind.MOVE_PAIR, Kind.DROP_SLAVE),
    ],
)
def test_volumes_come_and_go_in_the_kinds_that_are_promised(
    modules: list[ModuleType], kind: Kind
) -> None:
    classes = [cls for module in modules for cls in spec_classes(module)]
    changing = [cls for cls in classes if issubclass(cls, AnApplicationWithANewVersion)]
    kinds = {Switch(cls.before, cls.after).kind for cls in changing}
    assert kind in kinds
