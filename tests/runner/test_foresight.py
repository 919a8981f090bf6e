"""What is heard of a switch before clients feel it, from a cluster of paper."""

from __future__ import annotations

import json
from contextlib import contextmanager
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from cluster_tests.consul.store import ConsulStore
from cluster_tests.consul.watch import Answer, ConsulWatch
from cluster_tests.model import Application, Placement, Switch
from cluster_tests.nodes.engine_events import EngineEvents
from cluster_tests.tenancy import foresight as foresight_module
from cluster_tests.tenancy.foresight import SwitchForesight
from cluster_tests.waiting.signals import Sources
from cluster_tests.waiting.waiter import Bell
from cluster_tests.way import UNBROKEN
from cluster_tests.witness.outlook import Outlook

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

APPLICATION = Application("http://forge/git/ledger", "b1")
OTHER = Application("http://forge/git/ledger", "b2")
MOVES = Switch(Placement("core1", "core2"), Placement("core2", "core1"))
STAYS = Switch(Placement("core1", "core2"), Placement("core1", "core3"))


class Heard:
    """What is listened to, and what the cluster says of the maintenance."""

    def __init__(self) -> None:
        engine: Any = SimpleNamespace(node="core1", way=UNBROKEN)
        store = ConsulStore("127.0.0.1", 1, 1.0)
        self.docker = EngineEvents(engine, Bell())
        self.meetings = ConsulWatch(store, "kv/migrate/", Bell())
        self.flags = ConsulWatch(store, "kv/maintenance/", Bell())
        self.news: list[Outlook] = []
        self.maintained: set[Application] = set()
        self.overheard = Sources([self.docker, self.meetings, self.flags]).overheard

    def hears_of_maintenance(self, application: Application) -> bool:
        return application in self.maintained

    def foresight(self, switch: Switch) -> SwitchForesight:
        cluster: Any = self
        return SwitchForesight(cluster, APPLICATION, switch)

    def container(self, action: str = "create", application: Application = APPLICATION) -> None:
        labels = {"com.docker.compose.project": application.project}
        self._tell("container", action, {"ID": "x", "Attributes": labels})

    def volume(self, name: str) -> None:
        self._tell("volume", "create", {"ID": name, "Attributes": {"driver": "local"}})

    def _tell(self, kind: str, action: str, actor: dict[str, Any]) -> None:
        self.docker.tell({"Type": kind, "Action": action, "Actor": actor})

    def key(self, application: Application = APPLICATION) -> None:
        self.meetings.tell(keys(f"migrate/{application.name}/e1/ready/core2"))


def keys(*names: str) -> Answer:
    return Answer(3, json.dumps([{"Key": name} for name in names]).encode())


@pytest.fixture
def heard() -> Heard:
    return Heard()


@contextmanager
def listened(heard: Heard, switch: Switch) -> Iterator[SwitchForesight]:
    foresight = heard.foresight(switch)
    with foresight.listening(lambda: heard.news.append(foresight.outlook())):
        heard.news.clear()  # what had been heard before
        yield foresight


HINTS: dict[str, tuple[Switch, Callable[[Heard], None]]] = {
    "a container of the next deployment": (MOVES, Heard.container),
    "nodes that meet before the master stops": (STAYS, Heard.key),
}


@pytest.mark.parametrize("hint", HINTS)
def test_what_nodes_prepare_is_a_hint(heard: Heard, hint: str) -> None:
    switch, happens = HINTS[hint]
    with listened(heard, switch) as foresight:
        assert foresight.outlook() is Outlook.STEADY
        happens(heard)
        assert foresight.outlook() is Outlook.LEAVING
        assert heard.news == [Outlook.LEAVING]


@pytest.mark.parametrize(
    ("switch", "happens"),
    [
        (MOVES, lambda heard: heard.container(application=OTHER)),
        (MOVES, lambda heard: heard.container("start")),
        (MOVES, lambda heard: heard.volume(f"{APPLICATION.project}_files")),
        (MOVES, Heard.key),  # long before: the next master has all to prepare
        (STAYS, lambda heard: heard.key(OTHER)),
        (STAYS, Heard.container),  # after it stopped
        (STAYS, lambda heard: heard.flags.tell(keys(f"{APPLICATION.meeting_prefix}x"))),
        (STAYS, lambda heard: heard.meetings.tell(Answer(4, b""))),
    ],
)
def test_everything_else_is_none(
    heard: Heard, switch: Switch, happens: Callable[[Heard], None]
) -> None:
    with listened(heard, switch) as foresight:
        happens(heard)
        assert foresight.outlook() is Outlook.STEADY


def test_a_hint_that_nothing_follows_is_forgotten(
    heard: Heard, monkeypatch: pytest.MonkeyPatch
) -> None:
    with listened(heard, MOVES) as foresight:
        heard.container()
        monkeypatch.setattr(foresight_module, "_FRESH", -1.0)
        assert foresight.outlook() is Outlook.STEADY


def test_after_the_maintenance_nothing_is_a_hint(heard: Heard) -> None:
    with listened(heard, MOVES) as foresight:
        heard.container()
        heard.maintained = {OTHER}
        assert foresight.outlook() is Outlook.LEAVING
        heard.maintained = {APPLICATION}
        heard.news.clear()
        heard.flags.tell(keys(APPLICATION.maintenance_key))
        assert heard.news == [Outlook.AWAY]
        assert foresight.outlook() is Outlook.AWAY
        heard.maintained = set()
        heard.container()
        assert foresight.outlook() is Outlook.STEADY


def test_what_came_before_it_began_to_listen_or_after_its_end_is_none(heard: Heard) -> None:
    heard.container()
    with listened(heard, MOVES) as foresight:
        assert foresight.outlook() is Outlook.STEADY
    heard.container()
    assert foresight.outlook() is Outlook.STEADY
