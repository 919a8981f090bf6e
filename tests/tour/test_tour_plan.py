"""Plans are circuits: they make what they promise exactly once, and start and end nowhere."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cluster_tests.errors import UsageError
from cluster_tests.model import NOWHERE, Kind, Placement, Switch, placements, switches
from cluster_tests.tour.paper import Plan, load_plan, placement_of
from cluster_tests.tour.plan import chained, full_circuit, kinds_circuit, random_walk

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

FOUR = ("core1", "core2", "core3", "core4")
seeds = st.integers(0, 2**32)
clusters = st.integers(2, 5).map(lambda count: tuple(f"n{number}" for number in range(count)))


def assert_tour(steps: Sequence[Switch]) -> None:
    assert steps
    assert steps[0].before == NOWHERE
    assert steps[-1].after == NOWHERE
    assert chained(steps)


@settings(max_examples=40, deadline=None)
@given(clusters, seeds)
def test_a_full_tour_makes_every_switch_exactly_once(nodes: tuple[str, ...], seed: int) -> None:
    steps = full_circuit(nodes, seed)
    assert_tour(steps)
    assert Counter(steps) == Counter(switches(nodes))


def test_there_are_288_on_four_nodes() -> None:
    assert len(full_circuit(FOUR, 1)) == 288


@given(st.integers(2, 6).map(lambda n: [f"n{i}" for i in range(n)]))
def test_switches_grow_with_the_fourth_power(nodes: list[str]) -> None:
    assert len(list(switches(nodes))) == (len(nodes) ** 2 + 1) ** 2 - 1


@given(st.integers(4, 6).map(lambda n: [f"n{i}" for i in range(n)]), seeds)
def test_a_tour_of_the_kinds_makes_each_of_the_19_once(nodes: list[str], seed: int) -> None:
    steps = kinds_circuit(nodes, seed)
    assert_tour(steps)
    assert Counter(step.kind for step in steps) == Counter(Kind)


@given(clusters, seeds)
def test_on_fewer_nodes_it_makes_those_that_are_possible(nodes: tuple[str, ...], seed: int) -> None:
    steps = kinds_circuit(nodes, seed)
    assert_tour(steps)
    possible = {switch.kind for switch in switches(nodes)}
    assert Counter(step.kind for step in steps) == Counter(possible)


@given(clusters, st.integers(2, 60), seeds)
def test_a_random_tour_is_as_long_as_asked(nodes: tuple[str, ...], count: int, seed: int) -> None:
    steps = random_walk(nodes, count, seed)
    assert_tour(steps)
    assert len(steps) == count


@given(seeds)
def test_a_seed_gives_the_same_plan_again(seed: int) -> None:
    assert kinds_circuit(FOUR, seed) == kinds_circuit(FOUR, seed)
    assert random_walk(FOUR, 9, seed) == random_walk(FOUR, 9, seed)


def test_another_seed_gives_another_plan() -> None:
    assert full_circuit(FOUR, 1) != full_circuit(FOUR, 2)
    assert len({tuple(kinds_circuit(FOUR, seed)) for seed in range(20)}) > 10


def test_one_node_is_too_few_and_one_step_too_short() -> None:
    for make in (full_circuit, kinds_circuit):
        with pytest.raises(UsageError, match="needs 2 nodes"):
            make(["alone"], 1)
    with pytest.raises(UsageError, match="nowhere to nowhere"):
        random_walk(FOUR, 1, 1)


# --- on paper


def test_a_plan_that_was_saved_is_loaded_again(tmp_path: Path) -> None:
    plan = Plan("kinds", 7, FOUR, tuple(kinds_circuit(FOUR, 7)))
    plan.save(tmp_path / "results" / "plan.json")
    assert load_plan(tmp_path / "results" / "plan.json") == plan


def test_a_plan_is_printed_with_numbers_and_its_seed() -> None:
    plan = Plan("random", 7, FOUR, (Switch(NOWHERE, Placement("core1")),))
    assert list(plan.lines()) == [
        "tour random: 1 switches from seed 7",
        "1  deploy-alone   nowhere => core1",
    ]


@pytest.mark.parametrize("placement", placements(FOUR), ids=str)
def test_a_placement_is_read_as_it_prints(placement: Placement) -> None:
    assert placement_of(str(placement)) == placement


def step(before: str, after: str) -> dict[str, str]:
    return {"before": before, "after": after}


@pytest.mark.parametrize(
    "steps",
    [
        [],
        [step("nowhere", "core1/core1")],
        [step("nowhere", "nowhere")],
        [step("nowhere", "/core1")],
        [step("nowhere", "core1"), step("core2", "nowhere")],
        [{}],
        None,
    ],
)
def test_what_is_no_plan_is_refused(tmp_path: Path, steps: object) -> None:
    path = tmp_path / "plan.json"
    path.write_text(json.dumps({"mode": "x", "seed": 1, "nodes": FOUR, "steps": steps}))
    with pytest.raises(UsageError, match=r"plan\.json"):
        load_plan(path)


def test_a_plan_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is no plan of a tour"):
        load_plan(tmp_path / "none.json")
