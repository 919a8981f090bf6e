"""The recorder over a cluster of paper: it hears while it is open, and asks afterwards."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from cluster_tests.consul.store import ConsulStore
from cluster_tests.consul.watch import Answer, ConsulWatch
from cluster_tests.errors import NodeError
from cluster_tests.inventory.entries import Names
from cluster_tests.model import Application
from cluster_tests.nodes.engine_events import EngineEvents
from cluster_tests.timeline.layers import Layer
from cluster_tests.timeline.recorder import Recorder
from cluster_tests.waiting.signals import Sources
from cluster_tests.waiting.waiter import Bell
from cluster_tests.way import UNBROKEN

if TYPE_CHECKING:
    from cluster_tests.waiting.signals import Source

APPLICATION = Application("http://forge/git/ledger", "b1")


def raises() -> float:
    raise NodeError("core2", "it hangs")


@pytest.fixture
def flags() -> ConsulWatch:
    return ConsulWatch(ConsulStore("127.0.0.1", 1, 1.0), "kv/maintenance/", Bell())


@pytest.fixture
def docker() -> EngineEvents:
    engine: Any = SimpleNamespace(node="core1", way=UNBROKEN)
    return EngineEvents(engine, Bell())


@pytest.fixture
def cluster(flags: ConsulWatch, docker: EngineEvents) -> Any:  # noqa: ANN401 - of paper
    own: list[Source] = [flags, docker]
    left: list[str] = []
    sources = Sources(own)
    log = ["2026-01-01T00:00:03.000Z e1 INFO done"]

    def lines(_lines: int, begin: int) -> list[str]:
        begins.append(begin)
        return log

    begins: list[int] = []
    good = SimpleNamespace(clock=lambda: 0.0, log=lines, log_size=lambda: 70)
    bad = SimpleNamespace(clock=raises, log=lines, log_size=raises)
    return SimpleNamespace(
        consul=SimpleNamespace(leave_tombstone=left.append),
        overheard=sources.overheard,
        nodes={"core1": SimpleNamespace(probe=good), "core2": SimpleNamespace(probe=bad)},
        inventory=SimpleNamespace(names=Names()),
        left=left,
        begins=begins,
    )


def started() -> dict[str, Any]:
    labels = {"com.docker.compose.project": APPLICATION.project, "name": "app-1"}
    return {
        "Type": "container",
        "Action": "start",
        "Actor": {"ID": "x", "Attributes": labels},
        "timeNano": 1,
    }


def one_that_listened(cluster: Any) -> Recorder:  # noqa: ANN401 - of paper
    recorder = Recorder(cluster, APPLICATION)
    with recorder:
        pass
    return recorder


def test_it_tells_what_was_heard_while_it_was_open(
    cluster: Any,  # noqa: ANN401 - of paper
    flags: ConsulWatch,
    docker: EngineEvents,
) -> None:
    flags.heard(Answer(3, b""))
    recorder = Recorder(cluster, APPLICATION)
    with recorder:
        docker.tell(started())
        flags.heard(Answer(5, b""))
    flags.heard(Answer(7, b""))
    docker.tell(started())
    found = list(recorder.events("e1", since=-1e12))
    assert cluster.left == ["maintenance/recorder.cluster-tests"]
    assert sum(event.layer is Layer.CONTAINER for event in found) == 1
    assert sum(event.layer is Layer.KV for event in found) == 1
    assert "done" in [event.what for event in found if event.layer is Layer.AGENT]
    assert cluster.begins == [70]


def test_where_nobody_listened_the_logs_still_tell(
    cluster: Any,  # noqa: ANN401 - of paper
) -> None:
    found = list(Recorder(cluster, APPLICATION).events("e1", since=0.0))
    assert "done" in [event.what for event in found if event.node == "core1"]
    assert cluster.begins == [0]


def test_a_node_that_could_not_be_asked_at_first_is_asked_again(
    cluster: Any,  # noqa: ANN401 - of paper
) -> None:
    recorder = one_that_listened(cluster)
    cluster.nodes["core2"].probe.clock = lambda: 0.0
    found = list(recorder.events("e1", since=0.0))
    assert "done" in [event.what for event in found if event.node == "core2"]
    assert sorted(cluster.begins) == [0, 70]


def test_a_node_that_cannot_be_asked_costs_its_own_part_only(
    cluster: Any,  # noqa: ANN401 - of paper
) -> None:
    recorder = one_that_listened(cluster)
    found = list(recorder.events("e1", since=0.0))
    [bad] = [event for event in found if event.node == "core2"]
    assert bad.failed
    assert "it hangs" in bad.what
    clock, done = [event.what for event in found if event.node == "core1"]
    assert clock.startswith("its clock is ahead by ")
    assert done == "done"
