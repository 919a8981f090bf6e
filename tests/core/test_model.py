from __future__ import annotations

from collections import Counter
from dataclasses import FrozenInstanceError

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cluster_tests.model import (
    NOWHERE,
    Application,
    Kind,
    NodeView,
    Observation,
    Placement,
    Role,
    Route,
    Switch,
    placements,
    switches,
)

NODES = ("core1", "core2", "core3", "core4")


def test_four_nodes_have_17_placements_and_288_switches_of_19_kinds() -> None:
    assert len(set(placements(NODES))) == 17
    assert len(set(switches(NODES))) == 288
    assert {switch.kind for switch in switches(NODES)} == set(Kind)
    assert len(Kind) == 19


def test_each_kind_has_as_many_switches_as_its_letters_can_be_nodes() -> None:
    counted = Counter(switch.kind for switch in switches(NODES))
    used = {1: 4, 2: 4 * 3, 3: 4 * 3 * 2, 4: 4 * 3 * 2}
    letters = {
        Kind.DEPLOY_ALONE: 1,
        Kind.REDEPLOY_ALONE: 1,
        Kind.DESTROY_ALONE: 1,
        Kind.DEPLOY_PAIR: 2,
        Kind.MOVE_ALONE: 2,
        Kind.GAIN_SLAVE: 2,
        Kind.HAND_OVER: 2,
        Kind.REDEPLOY_PAIR: 2,
        Kind.SWAP: 2,
        Kind.DROP_SLAVE: 2,
        Kind.PROMOTE_ALONE: 2,
        Kind.DESTROY_PAIR: 2,
        Kind.SPREAD: 3,
        Kind.KEEP_MASTER: 3,
        Kind.KEEP_SLAVE: 3,
        Kind.DEMOTE: 3,
        Kind.PROMOTE: 3,
        Kind.LEAVE_PAIR: 3,
        Kind.MOVE_PAIR: 4,
    }
    assert counted == {kind: used[count] for kind, count in letters.items()}


def test_the_kinds_of_a_graph_are_balanced() -> None:
    """What leaves a placement must come back: else no tour could pass every switch once."""
    out = Counter(switch.before for switch in switches(NODES))
    into = Counter(switch.after for switch in switches(NODES))
    assert out == into


@given(st.permutations(NODES), st.sampled_from(list(switches(NODES))))
def test_renaming_the_nodes_keeps_the_kind(renamed: list[str], switch: Switch) -> None:
    names = dict(zip(NODES, renamed, strict=True))

    def rename(placement: Placement) -> Placement:
        slave = None if placement.slave is None else names[placement.slave]
        return placement if placement.master is None else Placement(names[placement.master], slave)

    assert Switch(rename(switch.before), rename(switch.after)).kind is switch.kind


@pytest.mark.parametrize("impossible", [(None, "core1"), ("core1", "core1")])
def test_what_no_cluster_can_have_is_no_placement(impossible: tuple[str | None, str]) -> None:
    with pytest.raises(ValueError, match="core1"):
        Placement(*impossible)


def test_from_nowhere_to_nowhere_is_no_switch() -> None:
    with pytest.raises(ValueError, match="no switch"):
        Switch(NOWHERE, NOWHERE)


def test_placements_and_switches_print_as_operators_write_them() -> None:
    assert str(Switch(Placement("a", "b"), Placement("c"))) == "a/b => c"
    assert str(NOWHERE) == "nowhere"


def test_every_node_has_a_role() -> None:
    placement = Placement("a", "b")
    assert [placement.role_of(node) for node in "abc"] == [Role.MASTER, Role.SLAVE, Role.NONE]


def test_names_follow_from_repository_and_branch() -> None:
    application = Application(" http://Forge/Git/Ledger.git ", "One-2")
    # md5 of "/git/ledger"
    assert application.name == "ledger_One-2.33cca"
    assert application.project == "ledgerne233cca"
    assert application.volume_prefix == "ledgerne233cca_"
    assert application.record_key == "app/ledger_One-2.33cca"
    assert application.maintenance_key == "maintenance/ledger_One-2.33cca"
    assert application.url == "http://Forge/Git/Ledger"


@pytest.mark.parametrize("url", ["http://forge/git/ledger", "ssh://git@forge/git/LEDGER.git"])
def test_the_same_path_gives_the_same_name(url: str) -> None:
    assert Application(url, "one").name == "ledger_one.33cca"


def test_a_routes_front_is_for_people_alone() -> None:
    assert Route("a", "tcp", ("80",), "x", "y") == Route("b", "tcp", ("80",), "x", "y")
    assert len({Route("a", "tcp", (), "", "y"), Route("b", "tcp", (), "", "y")}) == 1


def test_an_observation_cannot_be_changed_through_what_it_was_made_of() -> None:
    nodes = {"core1": NodeView()}
    observation = Observation(nodes)
    nodes["core2"] = NodeView()
    assert list(observation.nodes) == ["core1"]
    with pytest.raises(FrozenInstanceError):
        observation.maintenance = True  # type: ignore[misc]
