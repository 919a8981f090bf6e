"""Events: what is read, and what is refused."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from switch_agent.errors import RefusedError
from switch_agent.names import Application
from switch_agent.payload import Event, read_events, read_request
from switch_agent.placement import NOWHERE, Placement

NODES = ("core1", "core2")
REPO = "http://forge/git/shop.git"
GOOD = {"repo": REPO, "branch": "main", "master": "core1", "slave": "core2", "update": True}


def event(payload: object, name: str = "deploy") -> Event:
    text = payload if isinstance(payload, str) else json.dumps(payload)
    return Event("id", name, base64.b64encode(text.encode()).decode(), 7)


def test_a_deploy_is_read() -> None:
    request = read_request(event(GOOD), NODES)
    assert request.application == Application(REPO, "main")
    assert request.after == Placement("core1", "core2")
    assert request.update


@pytest.mark.parametrize("without", ["slave", "update"])
def test_slave_and_update_may_be_left_out(without: str) -> None:
    request = read_request(event({k: v for k, v in GOOD.items() if k != without}), NODES)
    assert request.after.master == "core1"


def test_a_destroy_leads_nowhere() -> None:
    request = read_request(event({"repo": REPO, "branch": "v1.2"}, "destroy"), NODES)
    assert request.after == NOWHERE


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"slave": "core1"}, "master and slave are both core1"),
        ({"master": "core9"}, "master 'core9' is no node"),
        ({"slave": "core9"}, "slave 'core9' is no node"),
        ({"slave": ""}, "no slave"),
        ({"master": None}, "no master"),
        ({"branch": None}, "no branch"),
        ({"branch": ""}, "no branch"),
        ({"branch": 5}, "branch is no text"),
        ({"repo": None}, "no repo"),
        ({"repo": ["x"]}, "repo is no text"),
        ({"repo": "  "}, "no URL"),
        ({"repo": "--upload-pack=touch"}, "no URL"),
        ({"repo": "http://forge/a b"}, "no URL"),
        ({"repo": "http://forge/"}, "no URL"),
        ({"branch": "../../etc"}, "no name of a branch"),
        ({"branch": "-f"}, "no name of a branch"),
        ({"branch": "a..b"}, "no name of a branch"),
        ({"branch": "a b"}, "no name of a branch"),
        ({"branch": "a\n"}, "no name of a branch"),
        ({"branch": "a/"}, "no name of a branch"),
        ({"branch": "a/.b"}, "no name of a branch"),
        ({"branch": "a.lock"}, "no name of a branch"),
        ({"update": "yes"}, "update is neither"),
        ({"update": None}, "update is neither"),
        ({"slave": 3}, "slave is no text"),
    ],
)
def test_a_deploy_is_refused(change: dict[str, Any], reason: str) -> None:
    with pytest.raises(RefusedError, match=reason):
        read_request(event({**GOOD, **change}), NODES)


@pytest.mark.parametrize("payload", ["", "{", "nonsense", '{"repo": '])
def test_a_payload_that_is_not_json_is_refused(payload: str) -> None:
    with pytest.raises(RefusedError, match="not JSON"):
        read_request(event(payload), NODES)


@pytest.mark.parametrize("payload", ["[]", "5", "null", '"text"'])
def test_a_payload_that_is_no_object_is_refused(payload: str) -> None:
    with pytest.raises(RefusedError, match="no JSON object"):
        read_request(event(payload), NODES)


def test_an_event_without_payload_is_refused() -> None:
    with pytest.raises(RefusedError, match="not JSON"):
        read_request(Event("id", "deploy", None, 1), NODES)


def test_bytes_that_are_no_text_are_refused() -> None:
    payload = base64.b64encode(b"\xff\xfe").decode()
    with pytest.raises(RefusedError, match="not JSON"):
        read_request(Event("id", "deploy", payload, 1), NODES)


@pytest.mark.parametrize("name", ["move", "Deploy", ""])
def test_an_unknown_event_is_refused(name: str) -> None:
    with pytest.raises(RefusedError, match="unknown event"):
        read_request(event(GOOD, name), NODES)


@pytest.mark.parametrize("branch", ["main", "v1.2", "feature/x-y", "2024_01", "a.b/c.d"])
def test_usual_names_of_branches_are_taken(branch: str) -> None:
    assert read_request(event({**GOOD, "branch": branch}), NODES).application.branch == branch


def test_events_of_a_watch_are_ordered_by_lamport_time() -> None:
    items = [
        {"ID": "b", "Name": "deploy", "Payload": None, "LTime": 5, "NodeFilter": ""},
        {"ID": "a", "Name": "destroy", "Payload": "e30=", "LTime": 3, "NodeFilter": ""},
    ]
    assert [each.id for each in read_events(json.dumps(items))] == ["a", "b"]


@pytest.mark.parametrize("text", ["null", "[]"])
def test_a_watch_that_starts_hands_over_nothing(text: str) -> None:
    assert read_events(text) == []
