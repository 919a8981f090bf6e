"""The project's own specs, as far as they can be checked without a cluster."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from cluster_tests.givens import AnApplication
from cluster_tests.grammar import require_good_grammar, spec_classes
from cluster_tests.model import Kind, Switch

if TYPE_CHECKING:
    from types import ModuleType

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


def test_the_kinds_that_are_promised_are_covered(modules: list[ModuleType]) -> None:
    classes = [cls for module in modules for cls in spec_classes(module)]
    switches = [Switch(c.before, c.after) for c in classes if issubclass(c, AnApplication)]
    assert {Kind.DEPLOY_PAIR, Kind.SWAP, Kind.KEEP_SLAVE} <= {one.kind for one in switches}
