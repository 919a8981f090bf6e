"""Four nodes on paper: real plans, real meetings and the real executor; effects are words."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

from fake_consul import FakeConsul
from switch_agent import steps as agent_steps
from switch_agent import switch as agent_switch
from switch_agent.consul import Operation
from switch_agent.errors import AgentError
from switch_agent.meeting import Meeting
from switch_agent.names import Application
from switch_agent.payload import Event, Request
from switch_agent.placement import NOWHERE, Placement, Role
from switch_agent.plan import Plan, Step, migration, plan
from switch_agent.settings import Settings
from switch_agent.steps import meet
from switch_agent.work import Work

if TYPE_CHECKING:
    from switch_agent.consul import Consul

NODES = ("core1", "core2", "core3", "core4")
SHOP = Application("http://forge/git/shop", "main")
BLOG = Application("http://forge/git/blog", "main")
OLD, NEW = "old", "new"
PATIENCE = 20.0


class Journal:
    """Keeps what the agent logs."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, str]] = []

    def info(self, message: str) -> None:
        self.lines.append(("INFO", message))

    def warning(self, message: str) -> None:
        self.lines.append(("WARNING", message))

    def error(self, message: str) -> None:
        self.lines.append(("ERROR", message))

    @property
    def errors(self) -> list[str]:
        return [message for level, message in self.lines if level == "ERROR"]


@dataclass
class Paper:
    """What a node shows: ``running`` and ``data`` are the versions, None for nothing."""

    node: str
    role: Role
    running: str | None = None
    data: str | None = None
    registered: str | None = None
    jobs: Role = Role.NONE
    checkouts: set[str] = field(default_factory=set)

    def shows(self) -> tuple[object, ...]:
        return (self.running, self.data, self.registered, self.jobs, frozenset(self.checkouts))


def settled(node: str, where: Placement, version: str) -> Paper:
    """Say what docs/contract.md promises of a node."""
    role = where.role_of(node)
    here = version if role is Role.MASTER else None
    checkouts = set() if role is Role.NONE else {version}
    # The data is the same in all versions, wherever it has come from.
    return Paper(node, role, here, here and "data", here, role, checkouts)


Effect = Callable[["World", Paper], None]


class World:
    """One switch of one application on four nodes, or a migration from the master ``source``."""

    def __init__(
        self,
        before: Placement,
        after: Placement,
        *,
        dead: Iterable[str] = (),
        source: str | None = None,
    ) -> None:
        self.before, self.after, self.source = before, after, source
        self.version = OLD if source else NEW
        self.consul = FakeConsul(NODES, dead)
        self.papers = {node: settled(node, before, OLD) for node in NODES}
        self.journals = {node: Journal() for node in NODES}
        if before != NOWHERE:
            self.consul.put(SHOP.record_key, record_of(before, OLD, ""))
            self.consul.history.clear()
        self.sent: str | None = None
        self.failing: tuple[str, Step] | None = None

    def run(self, failing: tuple[str, Step] | None = None) -> dict[str, bool]:
        """Let all living nodes do their parts at once; tell who succeeded."""
        self.failing = failing
        living = [node for node in NODES if node not in self.consul.dead]
        with ThreadPoolExecutor(len(living)) as pool:
            return dict(zip(living, pool.map(self._carry_out, living), strict=True))

    def _carry_out(self, node: str) -> bool:
        return agent_switch.carry_out(self._work(node), self.plan(node))

    def plan(self, node: str) -> Plan:
        """Tell a node's part."""
        if self.source:
            return migration(self.source, self.before.master or "", node)
        return plan(self.before, self.after, node)

    def _work(self, node: str) -> Work:
        settings = Settings(node, {name: name for name in NODES})
        consul = cast("Consul", self.consul)
        until = time.monotonic() + PATIENCE
        work: Any = Work(
            tools=cast("Any", SimpleNamespace(settings=settings, consul=consul)),
            plugin=cast("Any", None),
            journal=cast("Any", self.journals[node]),
            event=Event(NEW, "deploy", None, 1),
            request=Request(SHOP, self.after, source=BLOG if self.source else None),
            record=None,
            meeting=Meeting(consul, SHOP, NEW, node, until),
        )
        if self.before != NOWHERE:
            work.record = SimpleNamespace(placement=self.before, deploy_id=OLD, volumes=["v"])
        work.world = self
        return cast("Work", work)


def record_of(where: Placement, deploy: str, previous: str) -> dict[str, object]:
    """Write the part of a record that the nodes need to agree."""
    return {
        "deploy_id": deploy,
        "previous_deploy_id": previous,
        "master": where.master,
        "slave": where.slave,
    }


def world_of(work: Work) -> World:
    return cast("World", cast("Any", work).world)


# --- effects as words -----------------------------------------------------------------------


def _fetch(_world: World, paper: Paper) -> None:
    paper.checkouts.add(NEW)


def _unfetch(_world: World, paper: Paper) -> None:
    paper.checkouts.discard(NEW)


def _create(world: World, paper: Paper) -> None:
    assert world.version in paper.checkouts
    assert paper.running is None
    if world.before.master != paper.node:
        paper.data = "empty"
    elif paper.data is None:
        raise AssertionError("a kept master has lost its data")


def _uncreate(world: World, paper: Paper) -> None:
    paper.running = None
    if world.before.master != paper.node:
        paper.data = None


def _send_stopped(world: World, paper: Paper) -> None:
    assert SHOP.maintenance_key in world.consul.entries
    assert paper.running is None
    world.sent = paper.data


def _restore(world: World, paper: Paper) -> None:
    assert paper.data == "empty"
    assert world.sent == "data"
    paper.data = world.sent


def _stop(_world: World, paper: Paper) -> None:
    paper.running = None


def _unstop(_world: World, paper: Paper) -> None:
    paper.running = OLD


def _start(world: World, paper: Paper) -> None:
    running = [other.node for other in world.papers.values() if other.running]
    assert not running, f"two at once: {running} and {paper.node}"
    paper.running = world.version
    if world.before == NOWHERE:
        paper.data = "data"


def _put_back(_world: World, paper: Paper) -> None:
    assert paper.running is None
    if paper.data == "the source's":
        paper.data = "data"


def _adopt(_world: World, paper: Paper) -> None:
    assert paper.running is None
    paper.data = "the source's"


def _schedule(world: World, paper: Paper) -> None:
    paper.jobs = world.after.role_of(paper.node)


def _unschedule(_world: World, paper: Paper) -> None:
    paper.jobs = Role.NONE


def _reschedule(world: World, paper: Paper) -> None:
    paper.jobs = world.before.role_of(paper.node)


def _register(_world: World, paper: Paper) -> None:
    paper.registered = NEW


def _deregister(_world: World, paper: Paper) -> None:
    paper.registered = None


def _reregister(_world: World, paper: Paper) -> None:
    paper.registered = OLD


def _raise(world: World, _paper: Paper) -> None:
    world.consul.put(SHOP.maintenance_key, "")


def _lower(world: World, _paper: Paper) -> None:
    world.consul.delete(SHOP.maintenance_key)


def _remove(_world: World, paper: Paper) -> None:
    assert paper.running is None
    paper.data = None


def _tidy(world: World, paper: Paper) -> None:
    paper.checkouts &= {NEW} if world.after.role_of(paper.node) is not Role.NONE else set()


def _none(_world: World, _paper: Paper) -> None:
    """Leave no trace on paper."""


EFFECTS: Mapping[Step, tuple[Effect, Effect]] = {
    Step.FETCH: (_fetch, _unfetch),
    Step.PREPARE: (_none, _none),
    Step.CREATE: (_create, _uncreate),
    Step.SEND_RUNNING: (_none, _none),
    Step.SEND_STOPPED: (_send_stopped, _none),
    Step.SNAPSHOT: (_none, _put_back),
    Step.RESTORE: (_restore, _none),
    Step.STOP: (_stop, _unstop),
    Step.CLEAR: (_none, _none),
    Step.UPDATE: (_none, _none),
    Step.START: (_start, _none),
    Step.WATCH: (_none, _none),
    Step.RAISE_MAINTENANCE: (_raise, _lower),
    Step.LOWER_MAINTENANCE: (_lower, _none),
    Step.UNSCHEDULE: (_unschedule, _reschedule),
    Step.SCHEDULE: (_schedule, _reschedule),
    Step.REGISTER: (_register, _none),
    Step.DEREGISTER: (_deregister, _reregister),
    Step.AWAIT_HEALTH: (_none, _none),
    Step.DROP_VOLUMES: (_none, _none),
    Step.REMOVE: (_remove, _none),
    Step.TIDY: (_tidy, _none),
    Step.READ: (_none, _none),
    Step.ADOPT: (_adopt, _none),
    Step.POST_MIGRATE: (_none, _none),
}


def _record(work: Work) -> None:
    world = world_of(work)
    previous = OLD if world.before != NOWHERE else ""
    values = record_of(world.after, NEW, previous)
    work.meeting.commit([Operation("set", SHOP.record_key, values)])


def _forget(work: Work) -> None:
    work.meeting.commit(
        [Operation("delete", key) for key in (SHOP.record_key, SHOP.maintenance_key)]
    )


def _confirm(work: Work) -> None:
    work.meeting.commit([])


def _agree_on_source(work: Work) -> None:
    for node in NODES:
        work.meeting.hear(f"ready/{node}", node)


def _send_copy(work: Work) -> None:
    work.meeting.say("success", {})


def _await_copy(work: Work) -> None:
    work.meeting.hear("success", world_of(work).source or "")


def _say_ready(work: Work) -> None:
    work.meeting.say(f"ready/{work.settings.node}", [])


MEETINGS: Mapping[Step, Callable[[Work], None]] = {
    Step.SAY_READY: _say_ready,
    Step.AWAIT_OTHERS: meet.await_others,
    Step.AWAIT_MASTER: meet.await_master,
    Step.SAY_SENT: meet.say_sent,
    Step.AWAIT_TRANSFER: meet.await_transfer,
    Step.AWAIT_OUTCOME: meet.await_outcome,
    Step.RECORD: _record,
    Step.FORGET: _forget,
    Step.SAY_SOURCE: _say_ready,
    Step.AGREE_ON_SOURCE: _agree_on_source,
    Step.SEND_COPY: _send_copy,
    Step.AWAIT_COPY: _await_copy,
    Step.CONFIRM: _confirm,
}


def actions() -> dict[Step, agent_steps.Action]:
    """Give the executor effects on paper, and the real meetings."""
    table = {
        step: agent_steps.Action(_guarded(step, _on_paper(do)), _on_paper(undo))
        for step, (do, undo) in EFFECTS.items()
    }
    return table | {step: agent_steps.Action(_guarded(step, do)) for step, do in MEETINGS.items()}


def _on_paper(effect: Effect) -> Callable[[Work], None]:
    def act(work: Work) -> None:
        world = world_of(work)
        effect(world, world.papers[work.settings.node])

    return act


def _guarded(step: Step, do: Callable[[Work], None]) -> Callable[[Work], None]:
    def act(work: Work) -> None:
        if world_of(work).failing == (work.settings.node, step):
            raise AgentError(f"{step} breaks")
        do(work)

    return act
