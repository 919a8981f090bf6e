from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from spec_folder import SpecFolder

pytest_plugins = ["spec_folder"]

OTHERS = """
class WhenAnother{}:
    def because(self): self.x = 1
    def should_hold(self): assert self.x == {}
"""
FOUNDATION = """
FOUNDATION = True

class WhenNodesAreAsked:
    def because(self): self.x = {}
    def should_be_fit(self): assert self.x == 1
"""
UNREACHABLE = """
from cluster_tests.errors import NodeError

FOUNDATION = True

class WhenNodesAreAsked:
    @classmethod
    def examples_of_nodes(cls): raise NodeError("core1", "is away")
    def because(self): self.x = 1
    def should_be_fit(self): assert self.x == 1
"""


@pytest.fixture
def others(specs: SpecFolder) -> SpecFolder:
    for number, name in enumerate(("a", "z", "y")):
        specs.write(f"{name}_specs.py", OTHERS.format(number, 1))
    return specs


@pytest.mark.parametrize("seed", range(4))
def test_the_foundation_comes_first_whatever_the_seed(others: SpecFolder, seed: int) -> None:
    others.write("middle_specs.py", FOUNDATION.format(1))
    output = others.run("specs", "-v", "--seed", str(seed)).stdout
    classes = re.findall(r"^When .*", output, re.MULTILINE)
    assert classes[0] == "When nodes are asked"
    assert len(classes) == 4


@pytest.mark.parametrize("foundation", [FOUNDATION.format(2), UNREACHABLE])
def test_a_foundation_that_fails_ends_the_run(others: SpecFolder, foundation: str) -> None:
    others.write("middle_specs.py", foundation)
    done = others.run("specs", "-v")
    assert "When another" not in done.stdout
    assert "infrastructure: 1 failed: the 3 other spec classes were not judged" in done.stdout
    assert "verdict: infrastructure" in done.stdout
    assert done.returncode == 2


def test_go_on_runs_the_others_and_proves_nothing(others: SpecFolder) -> None:
    others.write("broken_specs.py", OTHERS.format(7, 2))
    others.write("middle_specs.py", FOUNDATION.format(2))
    done = others.run("specs", "-v", "--go-on")
    assert done.stdout.count("When another") == 4
    assert "verdict: infrastructure" in done.stdout
    assert done.returncode == 2


def test_a_good_foundation_leaves_the_verdict_to_the_others(others: SpecFolder) -> None:
    others.write("broken_specs.py", OTHERS.format(7, 2))
    others.write("middle_specs.py", FOUNDATION.format(1))
    done = others.run("specs", "-v")
    assert "verdict: fail" in done.stdout
    assert done.returncode == 1


def test_a_run_without_a_foundation_is_judged_as_ever(others: SpecFolder) -> None:
    assert others.run("specs", "-v").returncode == 0
