"""Role decisions, over every switch on four nodes."""

from __future__ import annotations

from collections import Counter

import pytest
from switch_agent.placement import NOWHERE, Placement
from switch_agent.plan import Plan, Step, coordinator, plan
from switch_agent.steps import ACTIONS

from cluster_tests.model import Kind, Switch, switches

NODES = ("core1", "core2", "core3", "core4")
SWITCHES = list(switches(NODES))
DEPLOYS = [switch for switch in SWITCHES if switch.after.master]
WAITS = {
    Step.AWAIT_OTHERS,
    Step.AWAIT_MASTER,
    Step.AWAIT_TRANSFER,
    Step.AWAIT_OUTCOME,
}


def placement(switch: Switch, *, after: bool) -> Placement:
    chosen = switch.after if after else switch.before
    return Placement(chosen.master, chosen.slave)


def plans(switch: Switch) -> dict[str, Plan]:
    before, after = placement(switch, after=False), placement(switch, after=True)
    return {node: plan(before, after, node) for node in NODES}


def steps(plan_: Plan) -> tuple[Step, ...]:
    return plan_.until_decided + plan_.afterwards


def test_there_are_288_switches_of_19_kinds() -> None:
    assert len(SWITCHES) == 288
    assert {switch.kind for switch in SWITCHES} == set(Kind)


@pytest.mark.parametrize("switch", SWITCHES, ids=str)
def test_one_node_decides_and_all_others_wait_for_it(switch: Switch) -> None:
    before, after = placement(switch, after=False), placement(switch, after=True)
    deciding = Step.RECORD if switch.after.master else Step.FORGET
    for node, plan_ in plans(switch).items():
        last = deciding if node == coordinator(before, after) else Step.AWAIT_OUTCOME
        assert plan_.until_decided[-1] is last
        assert not {Step.RECORD, Step.FORGET, Step.AWAIT_OUTCOME}.intersection(steps(plan_)) - {
            last
        }


@pytest.mark.parametrize("switch", DEPLOYS, ids=str)
def test_the_flag_goes_up_once_if_something_runs_and_comes_down_once(switch: Switch) -> None:
    count = Counter(step for plan_ in plans(switch).values() for step in steps(plan_))
    assert count[Step.RAISE_MAINTENANCE] == (1 if switch.before.master else 0)
    assert count[Step.LOWER_MAINTENANCE] == 1


@pytest.mark.parametrize("switch", DEPLOYS, ids=str)
def test_data_is_sent_twice_and_restored_once_exactly_when_the_master_moves(switch: Switch) -> None:
    moves = switch.before.master not in {None, switch.after.master}
    every = plans(switch)
    sending = {Step.SEND_RUNNING, Step.SEND_STOPPED, Step.SAY_SENT}
    restoring = {Step.AWAIT_TRANSFER, Step.RESTORE}
    for node, plan_ in every.items():
        expected = sending if moves and node == switch.before.master else set()
        expected = restoring if moves and node == switch.after.master else expected
        assert (sending | restoring).intersection(steps(plan_)) == expected


@pytest.mark.parametrize("switch", DEPLOYS, ids=str)
def test_nothing_is_stopped_before_all_nodes_are_ready(switch: Switch) -> None:
    for plan_ in plans(switch).values():
        if Step.STOP in plan_.until_decided:
            gates = {Step.AWAIT_OTHERS, Step.AWAIT_MASTER}
            waited = plan_.until_decided[: plan_.until_decided.index(Step.STOP)]
            assert gates.intersection(waited)


@pytest.mark.parametrize("switch", SWITCHES, ids=str)
def test_volumes_are_removed_only_after_the_decision(switch: Switch) -> None:
    for plan_ in plans(switch).values():
        assert not {Step.REMOVE, Step.DROP_VOLUMES, Step.TIDY}.intersection(plan_.until_decided)


@pytest.mark.parametrize("switch", DEPLOYS, ids=str)
def test_a_kept_master_keeps_a_snapshot_before_it_changes_anything(switch: Switch) -> None:
    if switch.before.master != switch.after.master:
        return
    order = plans(switch)[switch.after.master or ""].until_decided
    wanted = [Step.STOP, Step.SNAPSHOT, Step.CLEAR, Step.CREATE, Step.UPDATE, Step.START]
    assert [step for step in order if step in wanted] == wanted


def test_without_a_record_every_node_removes_what_is_left() -> None:
    for node in NODES:
        swept = plan(NOWHERE, NOWHERE, node)
        assert not WAITS.intersection(steps(swept))
        assert swept.until_decided[-2:] == (Step.UNSCHEDULE, Step.DEREGISTER)
        assert swept.afterwards == (Step.REMOVE, Step.TIDY)
        assert Step.SNAPSHOT in swept.until_decided


def test_every_step_has_an_action() -> None:
    assert set(ACTIONS) == set(Step)
