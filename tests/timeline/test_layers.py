"""What agents and engines told, as events on our clock."""

from __future__ import annotations

from typing import Any

import pytest

from cluster_tests.inventory.entries import Names
from cluster_tests.model import Application
from cluster_tests.results.values import LAYERS, Event
from cluster_tests.timeline.agents import agent_events
from cluster_tests.timeline.clocks import Offset
from cluster_tests.timeline.engines import engine_events
from cluster_tests.timeline.layers import Layer

APPLICATION = Application("http://forge/git/ledger", "b1")
NEW_YEAR = 1767225600.0  # 2026-01-01T00:00:00Z
AHEAD = Offset(0.9, 1.1)


def logged(*lines: str, since: float = 0.0) -> list[Event]:
    return list(agent_events("core1", lines, "e1", AHEAD, since))


def test_a_step_lasts_as_long_as_it_says_and_is_told_by_our_clock() -> None:
    [event] = logged("2026-01-01T00:00:03.000Z e1 INFO start took 0.500 s")
    assert (event.layer, event.node, event.what) == (Layer.AGENT, "core1", "start")
    assert event.at == pytest.approx(NEW_YEAR + 1.5)
    assert event.until == pytest.approx(NEW_YEAR + 2.0)


@pytest.mark.parametrize("step", ["send-running", "send-stopped", "snapshot", "restore"])
def test_steps_that_move_data_are_a_layer_of_their_own(step: str) -> None:
    [event] = logged(f"2026-01-01T00:00:03.000Z e1 INFO {step} took 1.0 s")
    assert event.layer is Layer.SNAPSHOT


def test_any_other_line_is_told_as_it_is_and_an_error_as_a_failure() -> None:
    good, bad = logged(
        "2026-01-01T00:00:01.000Z e1 INFO done",
        "2026-01-01T00:00:02.000Z e1 ERROR prepare: no such image",
    )
    assert (good.what, good.until, good.failed) == ("done", None, False)
    assert (bad.what, bad.failed) == ("ERROR: prepare: no such image", True)


def test_a_proxy_s_load_belongs_to_no_event_and_is_told_when_it_falls_into_the_switch() -> None:
    lines = (
        "2026-01-01T00:00:01.000Z - INFO HAProxy loaded, 70 lines",
        "2026-01-01T00:00:05.000Z - INFO HAProxy loaded, 80 lines",
        "2026-01-01T00:00:06.000Z - INFO Caddy loaded, 9 lines",
        "2026-01-01T00:00:07.000Z - INFO hosts loaded, 9 lines",
    )
    found = logged(*lines, since=NEW_YEAR + 3)
    assert [event.what for event in found] == ["HAProxy loaded, 80 lines", "Caddy loaded, 9 lines"]
    assert {event.layer for event in found} == {Layer.PROXY}


def test_what_belongs_to_another_event_or_tells_no_time_is_left_out() -> None:
    assert logged("2026-01-01T00:00:01.000Z e2 INFO done", "now e1 INFO done", "e1") == []


def told(at: float, kind: str, action: str, id_: str = "x", **attributes: str) -> dict[str, Any]:
    return {
        "Type": kind,
        "Action": action,
        "Actor": {"ID": id_, "Attributes": attributes},
        "timeNano": round(at * 1e9),
    }


def engine(*items: dict[str, Any], since: float = 0.0) -> list[Event]:
    pairs = [("core1", item) for item in items]
    return list(engine_events(pairs, APPLICATION, Names(), {"core1": AHEAD}, since))


def own(at: float, action: str, **attributes: str) -> dict[str, Any]:
    labels = {
        "com.docker.compose.project": APPLICATION.project,
        "com.docker.compose.service": "app",
    }
    return told(at, "container", action, **labels, **attributes)


def test_the_application_s_containers_and_volumes_are_told_by_our_clock() -> None:
    volume = told(12.0, "volume", "create", f"{APPLICATION.volume_prefix}files")
    found = engine(own(11.0, "start"), volume)
    assert [event.what for event in found] == ["app: start", "volume files: create"]
    assert [event.at for event in found] == pytest.approx([10.0, 11.0])
    assert {event.layer for event in found} == {Layer.CONTAINER}


def test_a_container_that_ends_tells_how() -> None:
    good, bad = engine(own(2.0, "die", exitCode="0"), own(3.0, "die", exitCode="137"))
    assert (good.what, good.failed) == ("app: die with 0", False)
    assert (bad.what, bad.failed) == ("app: die with 137", True)


def test_a_signal_to_a_proxy_is_the_proxy_s_layer() -> None:
    attributes = {"name": "cluster_haproxy_1", "signal": "12"}
    [event] = engine(told(2.0, "container", "kill", **attributes))
    assert (event.layer, event.what) == (Layer.PROXY, "cluster_haproxy_1: signal 12")


def test_what_came_before_and_what_is_somebody_else_s_is_left_out() -> None:
    other = told(12.0, "container", "start", **{"com.docker.compose.project": "other"})
    assert engine(own(2.0, "start"), other, since=5.0) == []


def test_the_layers_are_those_that_results_know() -> None:
    assert {str(layer) for layer in Layer} == set(LAYERS)
