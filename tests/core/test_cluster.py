"""The cluster's own logic, over readers that show an observation made up by the oracle."""

from __future__ import annotations

import json
import threading
import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest

from cluster_tests.cluster.cluster import Cluster
from cluster_tests.cluster.observing import Node
from cluster_tests.consul.watch import Answer
from cluster_tests.effort import Effort
from cluster_tests.errors import NodeError, NotSettledError, RefusedError, SeveralErrors
from cluster_tests.expectation.oracle import Expectation
from cluster_tests.expectation.question import History
from cluster_tests.model import (
    NOWHERE,
    Application,
    Check,
    ComposeService,
    FrontDefinition,
    NodeView,
    Observation,
    Placement,
    Registration,
    ServiceDefinition,
    SiteDefinition,
    VolumeDefinition,
)
from cluster_tests.nodes.engine_processes import Output
from cluster_tests.nodes.probe import Handling

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import PurePosixPath

    from cluster_tests.inventory.entries import Inventory

pytest_plugins = ["core_fixtures"]

APPLICATION = Application("http://forge/git/ledger.git", "one")
DEFINITION = ServiceDefinition(
    services=(ComposeService("app", "app:1"), ComposeService("files", "files:1")),
    volumes=(VolumeDefinition("cache"), VolumeDefinition("db", "anybox/buttervolume:latest")),
    sites=(SiteDefinition("http://one.cluster.test", "one.cluster.test", "app", 8000),),
    fronts=(FrontDefinition("files-one", "tcp", ("*:2200",), "", "files", "files", 22, 2200),),
    check_urls=("http://one.cluster.test/health",),
)
NAMES = {"app": f"{APPLICATION.project}-app-1", "files": f"{APPLICATION.project}-files-1"}


@dataclass
class World:
    """What all readers show; ``looks`` counts how often containers were listed."""

    shown: Observation
    record: dict[str, Any] | None = None
    handling: dict[str, Handling] = field(default_factory=dict)
    broken: dict[str, Exception] = field(default_factory=dict)
    looks: int = 0
    fired: list[tuple[str, Mapping[str, object]]] = field(default_factory=list)
    ran: list[tuple[str, str, str]] = field(default_factory=list)
    output: Output = Output(0, "", "")  # noqa: RUF009 - frozen

    def view(self, node: str) -> NodeView:
        if node in self.broken:
            raise self.broken[node]
        return self.shown.nodes[node]


@dataclass
class Shown:
    """Stands in for one node's engine and probe."""

    world: World
    node: str

    def containers(self, _: Application) -> object:
        self.world.looks += 1
        return self.world.view(self.node).containers

    def volumes(self, _: Application) -> object:
        return self.world.view(self.node).volumes

    def observed(self, _: Application) -> dict[str, object]:
        view = self.world.view(self.node)
        return {
            "btrfs_volumes": sorted(view.btrfs_volumes),
            "snapshots": sorted(f"{volume}@2026" for volume in view.snapshots),
            "checkouts": sorted(view.checkouts),
            "schedules": [
                {"Name": s.volume, "Action": s.action, "Timer": str(s.minutes), "Active": "True"}
                for s in view.schedules
            ],
        }

    def read_file(self, container: str, _: PurePosixPath) -> bytes:
        view = self.world.view(self.node)
        return haproxy_of(view) if "haproxy" in container else caddy_of(view)

    def run_once(self, container: str, command: list[str]) -> Output:
        self.world.ran.append((self.node, container, command[-1]))
        return self.world.output

    def lines_about(self, _: str) -> list[str]:
        return ["t an-id INFO begun", "t other ERROR no", "t an-id ERROR oops"]

    def handling(self, _: str) -> Handling:
        return self.world.handling.get(self.node, Handling(handled=True, running=()))


@dataclass
class ShownConsul:
    """Stands in for Consul."""

    world: World

    def record(self, _: Application) -> dict[str, Any] | None:
        return self.world.record

    def in_maintenance(self, _: Application) -> bool:
        return self.world.shown.maintenance

    def registrations(self, _: Application) -> object:
        return self.world.shown.registrations

    def fire(self, name: str, payload: Mapping[str, object]) -> str:
        self.world.fired.append((name, payload))
        return "an-id"

    def fire_raw(self, name: str, payload: str) -> str:
        self.world.fired.append((name, {"raw": payload}))
        return "an-id"

    def events(self) -> dict[str, dict[str, Any]]:
        return {"an-id": {"ID": "an-id", "Payload": "e30="}}

    def all_records(self) -> dict[str, dict[str, Any]]:
        ours = {"repo_url": APPLICATION.url, "branch": APPLICATION.branch}
        return {APPLICATION.name: ours, "other": {"repo_url": "http://f/o", "branch": "b"}}

    def close(self) -> None:
        """Nothing is open."""


def haproxy_of(view: NodeView) -> bytes:
    lines = []
    for number, route in enumerate(sorted(view.routes)):
        condition = f"if {{ hdr(host) -i {route.match} }}" if route.match else ""
        lines += [f"frontend f{number}", f" mode {route.mode}"]
        lines += [f" bind *:{port}" for port in route.bind]
        lines += [f" use_backend b{number} {condition}", f"backend b{number}"]
        lines += [f" server s {route.server}"]
    return "\n".join(lines).encode()


def caddy_of(view: NodeView) -> bytes:
    routes = [
        {
            "match": [{"host": [site.domain]}],
            "handle": [{"handler": "reverse_proxy", "upstreams": [{"dial": site.upstream}]}],
        }
        for site in view.sites
    ]
    return json.dumps({"apps": {"http": {"servers": {"s": {"routes": routes}}}}}).encode()


def observable_record(expected: Observation) -> dict[str, Any] | None:
    """Write a record as a cluster does, from one that is reduced to what is compared."""
    if expected.record is None:
        return None
    return {
        **expected.record,
        "caddyfile": "http://one.cluster.test {\n reverse_proxy " + NAMES["app"] + ":8000\n}",
        "haproxy": {
            "files-one": {"backends": [{"ct": NAMES["files"], "port": 22, "peer_port": 2200}]}
        },
    }


@pytest.fixture
def expectation(inventory: Inventory) -> Expectation:
    history = History("new", Placement("core3", "core4"), DEFINITION, "old")
    return Expectation(APPLICATION, DEFINITION, Placement("core2", "core1"), history, inventory)


@pytest.fixture
def world(expectation: Expectation) -> World:
    settled = expectation.observation(NAMES)
    return World(settled, observable_record(settled))


@pytest.fixture
def cluster(inventory: Inventory, world: World) -> Iterator[Cluster]:
    sockets = dict.fromkeys(inventory.nodes, Path("none"))
    cluster = Cluster(inventory, sockets, ("127.0.0.1", 1), Effort())
    cluster.consul = cast("Any", ShownConsul(world))
    shown = {name: cast("Any", Shown(world, name)) for name in inventory.nodes}
    cluster.nodes = {name: Node(reader, reader) for name, reader in shown.items()}
    yield cluster
    cluster._executor.shutdown()


@pytest.fixture
def soon(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> Callable[[Callable[[], object]], None]:
    """Change the world, and ring, once a look has found that something is to be waited for."""
    changes: list[Callable[[], object]] = []
    wait = cluster.bell.wait

    def change_and_wait(beyond: int, timeout: float) -> bool:
        while changes:
            changes.pop(0)()
            cluster.bell.ring()
        return wait(beyond, timeout)

    monkeypatch.setattr(cluster.bell, "wait", change_and_wait)
    return changes.append


def test_what_is_shown_is_what_is_observed(
    cluster: Cluster, expectation: Expectation, world: World
) -> None:
    observed = cluster.observe(expectation.footprint)
    for node, view in world.shown.nodes.items():
        snapshots = frozenset(f"{volume}@2026" for volume in view.snapshots)
        assert observed.nodes[node] == replace(view, snapshots=snapshots)
    assert observed.record == world.record
    assert observed.registrations == world.shown.registrations


FLAG = {"Key": APPLICATION.maintenance_key, "CreateIndex": 5}


@pytest.mark.parametrize(
    ("flags", "record", "up"),
    [
        ([{**FLAG, "Key": "maintenance/another"}], 1, False),
        ([], 1, False),
        ([FLAG, {**FLAG, "Key": "maintenance/z"}], 4, True),
        ([FLAG], None, True),
        ([FLAG], 6, False),  # where it will be is written: it is about to come back
    ],
)
def test_of_a_maintenance_it_knows_what_it_heard_last(
    cluster: Cluster, flags: list[dict[str, object]], record: int | None, *, up: bool
) -> None:
    assert not cluster.hears_of_maintenance(APPLICATION)
    records = [{"Key": APPLICATION.record_key, "ModifyIndex": record}] if record else []
    cluster._flags.tell(said(FLAG))
    cluster._records.tell(said(*records, {"Key": "app/another", "ModifyIndex": 9}))
    cluster._flags.tell(said(*flags))
    assert (cluster._flags.watched, cluster._records.watched) == ("kv/maintenance/", "kv/app/")
    assert cluster.hears_of_maintenance(APPLICATION) is up


def said(*items: Mapping[str, object]) -> Answer:
    return Answer(1, json.dumps(items).encode() if items else b"")


def test_a_settled_cluster_takes_one_look(
    cluster: Cluster, expectation: Expectation, world: World
) -> None:
    waited = cluster.settle(expectation, timeout=5)
    assert waited.looks == 1
    assert world.looks == 4
    assert waited.value.record == world.record


@pytest.mark.parametrize("gate", ["record", "handled", "running", "checks"])
def test_nothing_is_observed_before_the_switch_is_over(
    cluster: Cluster,
    expectation: Expectation,
    world: World,
    soon: Callable[[Callable[[], object]], None],
    gate: str,
) -> None:
    record, settled = world.record, world.shown
    if gate == "record":
        world.record = {"deploy_id": "old"}
    elif gate == "checks":
        failing = Registration("core2", (Check("http://one.cluster.test", "critical"),))
        world.shown = replace(settled, registrations=frozenset({failing}))
    else:
        world.handling["core4"] = Handling(gate == "running", ("a handler",))
    looks: list[int] = []

    def open_gate() -> None:
        looks.append(world.looks)
        world.record, world.shown = record, settled
        world.handling.clear()

    soon(open_gate)
    waited = cluster.settle(expectation, timeout=5)
    assert looks == [0]
    assert world.looks == 4
    assert waited.looks == 2
    assert waited.silent == 0


def test_a_signal_is_what_makes_it_notice(
    cluster: Cluster,
    expectation: Expectation,
    world: World,
    soon: Callable[[Callable[[], object]], None],
) -> None:
    settled = world.shown
    world.shown = replace(settled, maintenance=True)
    changed: list[float] = []

    def settle() -> None:
        world.shown = settled
        changed.append(time.monotonic())

    soon(settle)
    waited = cluster.settle(expectation, timeout=5)
    assert waited.silent == 0
    assert waited.noticed <= time.monotonic() - changed[0]


def test_a_timeout_tells_the_difference_by_node_and_where_to_look(
    cluster: Cluster, expectation: Expectation, world: World
) -> None:
    nodes = dict(world.shown.nodes)
    nodes["core4"] = replace(nodes["core4"], checkouts=frozenset({f"{APPLICATION.name}-old"}))
    world.shown = replace(world.shown, nodes=nodes)
    with pytest.raises(NotSettledError) as raised:
        cluster.settle(expectation, timeout=0.1)
    said = str(raised.value)
    assert f"core4:   (- missing, + unexpected)\n  checkouts:\n    + {APPLICATION.name}-old" in said
    assert "ssh -F none -p 22004 " in said
    assert "docker exec cluster_consul_1 tail -n 50 /deploy/handler.log   # core4" in said
    assert "# core3" not in said


def test_a_timeout_tells_what_the_agents_object(
    cluster: Cluster, expectation: Expectation, world: World
) -> None:
    history = replace(expectation.history, event_id="an-id")
    world.shown = replace(world.shown, maintenance=True)
    with pytest.raises(NotSettledError) as raised:
        cluster.settle(replace(expectation, history=history), timeout=0.1)
    said = str(raised.value).splitlines()
    assert [line for line in said if "agent" in line] == [
        f"{node}'s agent: oops" for node in cluster.nodes
    ]
    assert raised.value.objections == tuple(f"{node}'s agent: oops" for node in cluster.nodes)
    assert raised.value.reason == "consul: the record's deploy_id is new, expected an-id"


def test_a_timeout_before_the_switch_is_over_tells_the_whole_difference_too(
    cluster: Cluster, expectation: Expectation, world: World
) -> None:
    world.handling["core4"] = Handling(handled=False, running=("a handler",))
    world.shown = replace(world.shown, maintenance=True)
    with pytest.raises(NotSettledError) as raised:
        cluster.settle(expectation, timeout=0.1)
    assert "core4: event new was not handled; running: a handler" in str(raised.value)
    assert "maintenance flag" in str(raised.value)


def test_a_destroy_has_settled_when_nothing_is_left(
    cluster: Cluster, inventory: Inventory, world: World
) -> None:
    history = History("gone", Placement("core2", "core1"), DEFINITION, "old")
    expectation = Expectation(APPLICATION, DEFINITION, NOWHERE, history, inventory)
    with pytest.raises(NotSettledError, match="deploy_id is new, expected None"):
        cluster.settle(expectation, timeout=0.1)
    world.shown, world.record = expectation.observation(), None
    assert cluster.settle(expectation, timeout=0.1).value.record is None


def test_a_node_that_does_not_answer_ends_the_wait_at_once(
    cluster: Cluster, expectation: Expectation, world: World
) -> None:
    world.broken["core1"] = NodeError("core1", "the engine does not answer")
    world.broken["core3"] = NodeError("core3", "the engine does not answer")
    with pytest.raises(SeveralErrors, match=r"(?s)core1: the engine.*core3: the engine"):
        cluster.settle(expectation, timeout=5)


def test_an_event_is_handled_when_every_node_has_and_none_still_does(
    cluster: Cluster, world: World, soon: Callable[[Callable[[], object]], None]
) -> None:
    world.handling["core2"] = Handling(handled=True, running=("a handler",))
    with pytest.raises(NotSettledError, match="core2: event an-id was handled; running: a handler"):
        cluster.await_handled("an-id", timeout=0.1)
    soon(world.handling.clear)
    assert cluster.await_handled("an-id", timeout=5).seconds < 1


def test_a_wait_is_the_clusters_time_up_to_its_last_signal_and_all_of_it_in_vain(
    cluster: Cluster, world: World, soon: Callable[[Callable[[], object]], None]
) -> None:
    world.handling["core2"] = Handling(handled=True, running=("a handler",))
    with pytest.raises(NotSettledError):
        cluster.await_handled("an-id", timeout=0.1)
    soon(world.handling.clear)
    waited = cluster.await_handled("an-id", timeout=5)
    figures = cluster.effort.figures()
    assert figures.parts_of_cluster["handling in vain"] == pytest.approx(0.1)
    assert figures.parts_of_cluster["handling"] == pytest.approx(waited.seconds - waited.noticed)
    assert figures.parts_of_own["noticing"] == pytest.approx(waited.noticed)


def test_events_say_what_the_contract_says(cluster: Cluster, world: World) -> None:
    assert cluster.deploy(APPLICATION, Placement("core1"), update=True) == "an-id"
    assert cluster.destroy(APPLICATION) == "an-id"
    application = {"repo": "http://forge/git/ledger.git", "branch": "one"}
    deployed = {**application, "master": "core1", "slave": None, "update": True}
    assert world.fired == [("deploy", deployed), ("destroy", application)]


def test_a_cluster_that_may_not_change_is_left_alone(cluster: Cluster, world: World) -> None:
    cluster.inventory = cluster.inventory.model_copy(update={"may_change": False})
    with pytest.raises(RefusedError, match="deploy ledger_one"):
        cluster.deploy(APPLICATION, Placement("core1"))
    with pytest.raises(RefusedError, match="destroy ledger_one"):
        cluster.destroy(APPLICATION)
    assert world.fired == []


def test_opening_tells_everything_that_is_out_of_reach(inventory: Inventory) -> None:
    sockets = {name: Path(f"/nonexistent/{name}.sock") for name in inventory.nodes}
    cluster = Cluster(inventory, sockets, ("127.0.0.1", 1), Effort())
    with pytest.raises(SeveralErrors) as raised:
        cluster.open()
    for name in (*inventory.nodes, "Consul"):
        assert name in str(raised.value)
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("look")]


def test_migrations_and_raw_events_are_sent_as_they_are(cluster: Cluster, world: World) -> None:
    target = Application("http://forge/git/other", "b")
    cluster.migrate(APPLICATION, target, update=None)
    cluster.migrate(APPLICATION, target, update=False)
    cluster.send("deploy", "no JSON")
    asked = {
        "repo": APPLICATION.repo_url,
        "branch": "one",
        "target": {"repo": target.repo_url, "branch": "b"},
    }
    assert world.fired == [
        ("migrate", asked),
        ("migrate", {**asked, "update": False}),
        ("deploy", {"raw": "no JSON"}),
    ]


def test_errors_and_all_else_that_was_told_of_an_event_are_read_by_node(cluster: Cluster) -> None:
    assert cluster.errors("an-id") == dict.fromkeys(cluster.nodes, ("oops",))
    assert cluster.told("an-id") == dict.fromkeys(cluster.nodes, ("INFO begun", "ERROR oops"))


def test_others_are_all_but_the_application(cluster: Cluster) -> None:
    assert list(cluster.observe_others(APPLICATION)) == ["other"]


def test_an_event_is_handed_over_again_on_every_node(cluster: Cluster, world: World) -> None:
    cluster.deliver_again("an-id")
    assert sorted(node for node, _, _ in world.ran) == sorted(cluster.nodes)
    _, container, command = world.ran[0]
    assert container == cluster.inventory.names.consul
    assert command.endswith("| switch-agent handle")
    assert '"Payload": "e30="' in command


def test_an_agent_that_does_not_take_an_event_is_told(cluster: Cluster, world: World) -> None:
    world.output = Output(2, "", "usage")
    with pytest.raises(SeveralErrors, match="usage"):
        cluster.deliver_again("an-id")
