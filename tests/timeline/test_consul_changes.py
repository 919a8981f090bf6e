"""What changed in Consul, from one answer to the next; a brief flag is not missed."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

from cluster_tests.consul.watch import Answer
from cluster_tests.model import Application
from cluster_tests.timeline.consul_changes import consul_events
from cluster_tests.timeline.layers import Layer

if TYPE_CHECKING:
    from cluster_tests.results.values import Event

APPLICATION = Application("http://forge/git/ledger", "b1")
FLAG, RECORD = APPLICATION.maintenance_key, APPLICATION.record_key
CAME_AND_WENT = "a flag below maintenance/ came and went, or another's did"


def key(name: str, created: int, modified: int | None = None, value: str = "") -> dict[str, Any]:
    return {
        "Key": name,
        "CreateIndex": created,
        "ModifyIndex": modified or created,
        "Value": base64.b64encode(value.encode()).decode() or None,
    }


def check(node: str, status: str, name: str = APPLICATION.name) -> dict[str, Any]:
    return {"Node": node, "CheckID": "http", "ServiceName": name, "Status": status}


def answers(path: str, *bodies: tuple[int, list[dict[str, Any]]]) -> list[Event]:
    told = [
        (path, float(number), Answer(index, json.dumps(items).encode() if items else b""))
        for number, (index, items) in enumerate(bodies)
    ]
    return list(consul_events(told, APPLICATION))


def whats(found: list[Event]) -> list[str]:
    return [event.what for event in found]


def test_the_first_answer_is_what_was_there_before() -> None:
    assert answers("kv/app/", (7, [key(RECORD, 5)])) == []


def test_a_key_is_written_changed_and_removed_when_that_was_heard() -> None:
    found = answers("kv/app/", (1, []), (5, [key(RECORD, 5)]), (6, [key(RECORD, 5, 6)]), (7, []))
    assert whats(found) == [f"{RECORD} written", f"{RECORD} changed", f"{RECORD} removed"]
    assert [event.at for event in found] == [1.0, 2.0, 3.0]
    assert {event.layer for event in found} == {Layer.KV}


def test_what_nodes_tell_each_other_is_shown() -> None:
    name = f"migrate/{APPLICATION.name}/e1/success"
    [event] = answers("kv/migrate/", (1, []), (2, [key(name, 2, value='{"v": "v@1"}')]))
    assert event.what == f'{name} written: {{"v": "v@1"}}'


def test_a_flag_that_rose_and_fell_between_two_answers_is_told() -> None:
    assert whats(answers("kv/maintenance/", (3, []), (5, []))) == [CAME_AND_WENT]


def test_a_flag_that_fell_and_rose_between_two_answers_is_told() -> None:
    found = answers("kv/maintenance/", (3, [key(FLAG, 3)]), (5, [key(FLAG, 5)]))
    assert whats(found) == [f"{FLAG} changed"]


def test_an_answer_that_changed_nothing_tells_nothing() -> None:
    assert answers("kv/maintenance/", (3, []), (3, [])) == []
    assert answers("kv/app/", (3, []), (5, [])) == []


def test_what_is_another_s_is_left_out() -> None:
    assert answers("kv/app/", (3, []), (5, [key("app/other", 5)])) == []
    assert answers("health/state/any", (3, []), (5, [check("core1", "passing", "other")])) == []
    assert answers("catalog/services", (3, []), (5, [])) == []


def test_checks_come_change_and_go_with_their_node() -> None:
    found = answers(
        "health/state/any",
        (1, []),
        (2, [check("core2", "critical")]),
        (3, [check("core2", "passing")]),
        (4, [check("core2", "critical")]),
        (5, []),
    )
    assert whats(found) == [
        "http: registered, critical",
        "http: passing",
        "http: critical",
        "http: deregistered",
    ]
    assert {event.node for event in found} == {"core2"}
    assert [event.failed for event in found] == [False, False, True, False]
