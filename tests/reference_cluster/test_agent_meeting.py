"""Waiting for other nodes: deadlines, absent nodes, farewells."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, cast

import pytest
from fake_consul import FakeConsul
from paper_nodes import NODES, SHOP
from switch_agent.errors import AbsentError, GivenUpError
from switch_agent.meeting import Meeting

if TYPE_CHECKING:
    from switch_agent.consul import Consul


def meeting(
    consul: FakeConsul, node: str = "core1", patience: float = 20, event: str = "e1"
) -> Meeting:
    return Meeting(cast("Consul", consul), SHOP, event, node, time.monotonic() + patience)


def test_what_one_says_another_hears() -> None:
    consul = FakeConsul(NODES)
    meeting(consul, "core2").say("success", {"v": "v@1"})
    assert meeting(consul).hear("success", "core2") == {"v": "v@1"}


def test_an_earlier_switchs_words_are_not_heard() -> None:
    consul = FakeConsul(NODES)
    meeting(consul, "core2", event="e0").say("success", {"v": "v@0"})
    with pytest.raises(AbsentError, match="'success' in time"):
        meeting(consul, patience=0).hear("success", "core2")


def test_a_dead_node_is_not_waited_for() -> None:
    with pytest.raises(AbsentError, match="core2, which is not alive"):
        meeting(FakeConsul(NODES, dead=["core2"])).hear("success", "core2")


def test_who_waits_hears_that_the_switch_was_given_up() -> None:
    consul = FakeConsul(NODES)
    assert meeting(consul, "core2").give_up("the disk is full")
    with pytest.raises(GivenUpError, match="core2: the disk is full"):
        meeting(consul).hear("success", "core2")
    with pytest.raises(GivenUpError, match="core2: the disk is full"):
        meeting(consul).await_outcome("core2")


def test_what_is_given_up_cannot_be_decided() -> None:
    consul = FakeConsul(NODES)
    meeting(consul, "core2").give_up("no")
    with pytest.raises(GivenUpError, match="core2: no"):
        meeting(consul).commit([])


def test_what_is_decided_cannot_be_given_up() -> None:
    consul = FakeConsul(NODES)
    meeting(consul, "core2").commit([])
    assert not meeting(consul).give_up("late")
    assert meeting(consul).prefix + "failure" not in consul.entries


def test_the_first_failure_is_the_one_that_is_told() -> None:
    consul = FakeConsul(NODES)
    assert meeting(consul, "core2").give_up("first")
    assert meeting(consul, "core3").give_up("second")
    assert json.loads(consul.entries[meeting(consul).prefix + "failure"].value) == "core2: first"


@pytest.mark.parametrize("field", ["deploy_id", "previous_deploy_id"])
def test_who_comes_late_reads_the_outcome_from_the_record(field: str) -> None:
    consul = FakeConsul(NODES)
    ids = {"deploy_id": "later", "previous_deploy_id": "earlier"}
    consul.put(SHOP.record_key, {**ids, field: "e1"})
    meeting(consul, patience=0).await_outcome("core2")
    assert not meeting(consul).give_up("late")


def test_a_meeting_is_closed_when_all_living_nodes_have_left() -> None:
    consul = FakeConsul(NODES, dead=["core4"])
    for node in NODES[:3]:
        meeting(consul, node).leave()
    assert meeting(consul).close(NODES) == ["core4"]
    assert consul.entries == {}


def test_a_meeting_is_closed_at_last_without_those_who_stay_silent() -> None:
    consul = FakeConsul(NODES)
    for node in NODES[:3]:
        meeting(consul, node).leave()
    now = iter(range(0, 10000, 30))
    impatient = Meeting(cast("Consul", consul), SHOP, "e1", "core1", 0, clock=lambda: next(now))
    consul.tree = lambda *_: (1, dict(consul.entries))  # type: ignore[method-assign]
    assert impatient.close(NODES) == ["core4"]
    assert consul.entries == {}
