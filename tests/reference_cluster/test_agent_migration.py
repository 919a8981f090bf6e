"""Migrations: what is asked, who does what, what is sent, and how it is taken back."""

from __future__ import annotations

import base64
import json
import time
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import paper_nodes
import pytest
from fake_consul import FakeConsul
from paper_nodes import BLOG, NODES, OLD, SHOP, World, settled
from switch_agent import handler
from switch_agent import switch as agent_switch
from switch_agent.definition import read_definition
from switch_agent.errors import GivenUpError, RefusedError
from switch_agent.meeting import Meeting
from switch_agent.payload import Event, read_request
from switch_agent.placement import NOWHERE, Placement
from switch_agent.plan import Plan, Step, migration
from switch_agent.steps import migrate

if TYPE_CHECKING:
    from collections.abc import Iterable

    from switch_agent.consul import Consul

GOOD = {"repo": BLOG.repo, "branch": "main", "target": {"repo": SHOP.repo, "branch": "main"}}
DRIVER = "anybox/buttervolume:latest"
STAYS = "com.github.mlfmonde.cluster.nonmigrable"


def event(payload: object) -> Event:
    return Event("id", "migrate", base64.b64encode(json.dumps(payload).encode()).decode(), 7)


# --- what is asked --------------------------------------------------------------------------


@pytest.mark.parametrize(("asked", "update"), [({}, True), ({"update": False}, False)])
def test_a_migration_is_read(asked: dict[str, bool], *, update: bool) -> None:
    request = read_request(event({**GOOD, **asked}), NODES)
    assert (request.application, request.source, request.after) == (SHOP, BLOG, NOWHERE)
    assert request.update is update
    assert str(request) == f"{SHOP.name} from {BLOG.name}"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"target": None}, "no target"),
        ({"target": "shop"}, "target is no JSON object"),
        ({"target": {"repo": SHOP.repo}}, "no branch"),
        ({"target": {"repo": BLOG.repo + ".git", "branch": "main"}}, "source and target are both"),
        ({"branch": ""}, "no branch"),
        ({"update": 1}, "update is neither"),
    ],
)
def test_a_migration_is_refused(change: dict[str, Any], reason: str) -> None:
    with pytest.raises(RefusedError, match=reason):
        read_request(event({**GOOD, **change}), NODES)


@pytest.mark.parametrize("absent", ["source", "record"])
def test_both_must_be_deployed(absent: str) -> None:
    record = SimpleNamespace(master="core1")
    work: Any = SimpleNamespace(
        settings=SimpleNamespace(node="core1"),
        request=SimpleNamespace(source=BLOG),
        application=SHOP,
        **{"source": record, "record": record, absent: None},
    )
    with pytest.raises(RefusedError, match=r"(blog|shop)_main\.[0-9a-f]{5} is not deployed"):
        handler._plan(work)


# --- who does what --------------------------------------------------------------------------


def steps(plan: Plan) -> list[Step]:
    return [*plan.until_decided, *plan.afterwards]


@pytest.mark.parametrize(("source", "target"), [("core1", "core3"), ("core1", "core1")])
def test_the_source_is_never_stopped_and_the_data_is_there_before_the_target_is(
    source: str, target: str
) -> None:
    plans = {node: steps(migration(source, target, node)) for node in NODES}
    assert [node for node in NODES if Step.STOP in plans[node]] == [target]
    assert [node for node in NODES if Step.SEND_COPY in plans[node]] == [source]
    order = [Step.AWAIT_COPY, Step.STOP, Step.SNAPSHOT, Step.CREATE, Step.ADOPT, Step.POST_MIGRATE]
    order += [Step.UPDATE, Step.START, Step.CONFIRM]
    assert [step for step in plans[target] if step in order] == order
    for node in NODES:
        last = Step.CONFIRM if node == target else Step.AWAIT_OUTCOME
        assert migration(source, target, node).until_decided[-1] is last


# --- on paper -------------------------------------------------------------------------------

TARGET = Placement("core3", "core4")


@pytest.fixture
def _on_paper(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(agent_switch, "ACTIONS", paper_nodes.actions())


@pytest.mark.usefixtures("_on_paper")
@pytest.mark.parametrize("source", ["core1", "core3"])
def test_a_migration_leaves_everything_where_it_is_but_the_targets_data(source: str) -> None:
    world = World(TARGET, NOWHERE, source=source)
    record = world.consul.entries[SHOP.record_key]
    assert world.run() == dict.fromkeys(NODES, True)
    for node in NODES:
        expected = settled(node, TARGET, OLD)
        expected.data = expected.data and "the source's"
        assert world.papers[node].shows() == expected.shows(), node
    assert world.consul.entries == {SHOP.record_key: record}
    moves = [change for change, key in world.consul.history if key == SHOP.maintenance_key]
    assert moves == ["set", "delete"]


FAILURES = [
    (source, node, step)
    for source in ("core1", "core3")
    for node in NODES
    for step in migration(source, "core3", node).until_decided
    if step is not Step.AWAIT_OUTCOME
]


@pytest.mark.usefixtures("_on_paper")
@pytest.mark.parametrize(("source", "node", "step"), FAILURES)
def test_a_migration_that_fails_leaves_all_as_it_was(source: str, node: str, step: Step) -> None:
    world = World(TARGET, NOWHERE, source=source)
    record = world.consul.entries[SHOP.record_key]
    assert world.run(failing=(node, step)) == dict.fromkeys(NODES, False)
    for each in NODES:
        assert world.papers[each].shows() == settled(each, TARGET, OLD).shows(), each
        assert len(world.journals[each].errors) == 1
        assert f"{step} breaks" in world.journals[each].errors[0]
    assert world.consul.entries == {SHOP.record_key: record}


# --- what is sent ---------------------------------------------------------------------------


def test_a_label_keeps_a_volume_out() -> None:
    labels = {"a": "true", "b": "1", "c": "false", "d": None}
    volumes = {
        name: {"name": f"p_{name}", "driver": DRIVER, "labels": {STAYS: value}}
        for name, value in labels.items()
    }
    volumes["e"] = {"name": "p_e", "driver": DRIVER}
    found = read_definition({"services": {"s": {"image": "i"}}, "volumes": volumes}, "p_")
    assert found.migrable(DRIVER) == ["p_c", "p_d", "p_e"]
    assert found.volumes_of(DRIVER) == ["p_a", "p_b", "p_c", "p_d", "p_e"]


class FakePlugin:
    def __init__(self) -> None:
        self.sent: list[tuple[str, str]] = []
        self.restored: list[tuple[str, str]] = []

    def snapshot(self, volume: str) -> str:
        return f"{volume}@1"

    def send(self, snapshot: str, address: str) -> None:
        self.sent.append((snapshot, address))

    def restore(self, snapshot: str, volume: str) -> None:
        self.restored.append((snapshot, volume))


def definition(*volumes: str, kept: Iterable[str] = ()) -> Any:  # noqa: ANN401 - a stand-in
    return SimpleNamespace(migrable=lambda _: [each for each in volumes if each not in set(kept)])


def work_on(node: str, consul: FakeConsul, source_deploy: str = "d1") -> Any:  # noqa: ANN401
    meeting = Meeting(cast("Consul", consul), SHOP, "e1", node, time.monotonic() + 20)
    return SimpleNamespace(
        meeting=meeting,
        plugin=FakePlugin(),
        settings=SimpleNamespace(
            node=node, volume_driver=DRIVER, nodes={each: f"at {each}" for each in NODES}
        ),
        tools=SimpleNamespace(consul=consul),
        application=SHOP,
        source_application=BLOG,
        source_record=SimpleNamespace(deploy_id=source_deploy, master="core1", name=BLOG.name),
        old=SimpleNamespace(master="core3"),
        new=definition(*(SHOP.volume_prefix + each for each in ("db", "kept", "theirs"))),
        read_source_definition=lambda: definition(
            *(BLOG.volume_prefix + each for each in ("db", "kept", "ours")),
            kept=[BLOG.volume_prefix + "kept"],
        ),
        touched=False,
        copies={},
    )


@pytest.mark.parametrize("target", ["core3", "core1"])
def test_what_both_have_and_nobody_keeps_back_is_taken_over(target: str) -> None:
    consul = FakeConsul(NODES)
    source, ours = work_on("core1", consul), work_on(target, consul)
    source.old = ours.old = SimpleNamespace(master=target)
    for node in NODES:
        migrate.say_source(work_on(node, consul))
    migrate.agree_on_source(ours)
    migrate.send_copy(source)
    migrate.await_copy(ours)
    migrate.adopt(ours)
    copy = f"{BLOG.volume_prefix}db@1"
    assert source.plugin.sent == ([(copy, "at core3")] if target == "core3" else [])
    assert ours.plugin.restored == [(copy, f"{SHOP.volume_prefix}db")]
    assert ours.touched


def test_a_source_that_is_being_switched_is_not_migrated() -> None:
    consul = FakeConsul(NODES)
    for node in NODES:
        migrate.say_source(work_on(node, consul, "d2" if node == "core4" else "d1"))
    with pytest.raises(GivenUpError, match="core4 knows d2"):
        migrate.agree_on_source(work_on("core3", consul))
