"""Switches on paper: all 288 settle, and one that fails anywhere leaves all as it was."""

from __future__ import annotations

from typing import TYPE_CHECKING

import paper_nodes
import pytest
from paper_nodes import NEW, NODES, OLD, SHOP, World, settled
from switch_agent import switch as agent_switch
from switch_agent.errors import AgentError
from switch_agent.placement import Placement
from switch_agent.plan import Step, plan
from switch_agent.steps import ACTIONS, Action

from cluster_tests.model import Kind, Switch, switches

if TYPE_CHECKING:
    from collections.abc import Iterator

SWITCHES = list(switches(NODES))
# The first switch of each kind stands for it.
KINDS = {switch.kind: switch for switch in reversed(SWITCHES)}


def world_for(switch: Switch, dead: tuple[str, ...] = ()) -> World:
    before = Placement(switch.before.master, switch.before.slave)
    return World(before, Placement(switch.after.master, switch.after.slave), dead=dead)


def failures(switch: Switch) -> Iterator[tuple[str, Step]]:
    """List every step that a node does before the others can decide without it."""
    world = world_for(switch)
    for node in NODES:
        for step in plan(world.before, world.after, node).until_decided:
            if step is not Step.AWAIT_OUTCOME:
                yield node, step


@pytest.fixture(autouse=True)
def _on_paper(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(agent_switch, "ACTIONS", paper_nodes.actions())


def test_paper_knows_every_step_and_what_the_agent_undoes() -> None:
    assert set(paper_nodes.actions()) == set(ACTIONS)
    nothing = ACTIONS[Step.TIDY].undo
    undone = {step for step, action in ACTIONS.items() if action.undo is not nothing}
    assert undone == {
        step for step, (_, undo) in paper_nodes.EFFECTS.items() if undo is not paper_nodes._none
    }


@pytest.mark.parametrize("switch", SWITCHES, ids=str)
def test_every_switch_settles(switch: Switch) -> None:
    world = world_for(switch)
    assert world.run() == dict.fromkeys(NODES, True)
    for node in NODES:
        assert world.papers[node].shows() == settled(node, world.after, NEW).shows(), node
        assert world.journals[node].errors == []
    assert set(world.consul.entries) == ({SHOP.record_key} if world.after.master else set())


@pytest.mark.parametrize(
    ("switch", "node", "step"),
    [(s, node, step) for s in KINDS.values() for node, step in failures(s)],
    ids=str,
)
def test_a_switch_that_fails_leaves_all_as_it_was(switch: Switch, node: str, step: Step) -> None:
    world = world_for(switch)
    record = world.consul.entries.get(SHOP.record_key)
    assert world.run(failing=(node, step)) == dict.fromkeys(NODES, False)
    for each in NODES:
        assert world.papers[each].shows() == settled(each, world.before, OLD).shows(), each
        assert len(world.journals[each].errors) == 1
        assert f"{step} breaks" in world.journals[each].errors[0]
    assert world.consul.entries == ({SHOP.record_key: record} if record else {})


@pytest.mark.parametrize("kind", Kind)
def test_a_node_that_gives_up_waiting_gets_the_same_end_as_all(kind: Kind) -> None:
    world = world_for(KINDS[kind])
    waiting = next(
        node
        for node in NODES
        if Step.AWAIT_OUTCOME in plan(world.before, world.after, node).until_decided
    )
    results = set(world.run(failing=(waiting, Step.AWAIT_OUTCOME)).values())
    assert len(results) == 1
    where, version = (world.after, NEW) if results == {True} else (world.before, OLD)
    for node in NODES:
        assert world.papers[node].shows() == settled(node, where, version).shows(), node


@pytest.mark.parametrize("kind", [kind for kind in Kind if not kind.startswith("destroy")])
def test_the_flag_is_raised_and_lowered_exactly_once(kind: Kind) -> None:
    world = world_for(KINDS[kind])
    world.run()
    moves = [change for change, key in world.consul.history if key == SHOP.maintenance_key]
    assert moves == (["set", "delete"] if KINDS[kind].before.master else [])


def test_a_node_without_a_part_may_be_dead() -> None:
    world = world_for(KINDS[Kind.SWAP], dead=("core4",))
    assert world.run() == dict.fromkeys(("core1", "core2", "core3"), True)
    assert set(world.consul.entries) == {SHOP.record_key}


@pytest.mark.parametrize("dead", ["core1", "core2", "core3"])
def test_without_old_master_new_master_or_new_slave_nothing_changes(dead: str) -> None:
    world = World(Placement("core1"), Placement("core2", "core3"), dead=(dead,))
    living = [node for node in NODES if node != dead]
    assert world.run() == dict.fromkeys(living, False)
    for node in living:
        assert world.papers[node].shows() == settled(node, world.before, OLD).shows(), node


def test_a_failure_after_the_decision_does_not_keep_the_rest_undone() -> None:
    world = world_for(KINDS[Kind.MOVE_ALONE])
    old, new = world.before.master or "", world.after.master or ""
    result = world.run(failing=(old, Step.DEREGISTER))
    assert result == {**dict.fromkeys(NODES, True), old: False}
    assert world.papers[old].data is None
    assert world.papers[old].checkouts == set()
    assert world.papers[new].running == NEW


def test_a_bug_is_undone_like_any_failure(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    actions = paper_nodes.actions()

    def buggy(_work: object) -> None:
        raise ZeroDivisionError("oops")

    actions[Step.START] = Action(buggy)
    monkeypatch.setattr(agent_switch, "ACTIONS", actions)
    world = world_for(KINDS[Kind.REDEPLOY_ALONE])
    assert world.run() == dict.fromkeys(NODES, False)
    master = world.before.master or ""
    assert world.papers[master].running == OLD
    assert "ZeroDivisionError: oops" in world.journals[master].errors[0]
    assert "Traceback" in capsys.readouterr().err


def test_what_cannot_be_undone_is_told_and_the_rest_is_undone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    actions = paper_nodes.actions()

    def fail(_work: object) -> None:
        raise AgentError("stuck")

    action = actions[Step.UNSCHEDULE]
    actions[Step.UNSCHEDULE] = Action(action.do, fail)
    monkeypatch.setattr(agent_switch, "ACTIONS", actions)
    world = world_for(KINDS[Kind.REDEPLOY_ALONE])
    master = world.before.master or ""
    world.run(failing=(master, Step.START))
    assert world.journals[master].errors[1:] == ["undoing unschedule: stuck"]
    assert world.papers[master].running == OLD


def test_a_decision_that_was_not_noticed_stands() -> None:
    """The answer to the transaction is lost: the switch has happened nevertheless."""
    world = world_for(KINDS[Kind.REDEPLOY_ALONE])
    master = world.before.master or ""
    transact = world.consul.transact

    def deaf(operations: list[object]) -> bool:
        operations = list(operations)
        done = transact(operations)  # type: ignore[arg-type]
        if any(getattr(each, "key", "").endswith("/committed") for each in operations[1:]):
            raise AgentError("the connection broke")
        return done

    world.consul.transact = deaf  # type: ignore[method-assign, assignment]
    assert world.run()[master]
    assert world.papers[master].running == NEW
    assert ("WARNING", "the switch was decided meanwhile, and goes on") in world.journals[
        master
    ].lines
