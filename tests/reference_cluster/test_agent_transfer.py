"""Transfers: which snapshots are taken, sent and restored."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest
from switch_agent.errors import BrokenError
from switch_agent.settings import Settings
from switch_agent.steps import transfer

ENVIRONMENT = {"NODE_NAME": "core1", "NODES": "core1=10.0.0.1,core2=10.0.0.2"}


@dataclass
class FakePlugin:
    """Counts snapshots; the first ``failing`` sends fail."""

    failing: int = 0
    taken: list[str] = field(default_factory=list)
    sent: list[tuple[str, str]] = field(default_factory=list)
    restored: list[tuple[str, str]] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)

    def snapshot(self, volume: str) -> str:
        self.taken.append(f"{volume}@{len(self.taken)}")
        return self.taken[-1]

    def send(self, snapshot: str, address: str) -> None:
        if self.failing:
            self.failing -= 1
            raise BrokenError("the volume plugin: 500")
        self.sent.append((snapshot, address))

    def restore(self, snapshot: str, volume: str) -> str:
        self.restored.append((snapshot, volume))
        return f"{volume}@backup"

    def remove_snapshot(self, snapshot: str) -> None:
        self.removed.append(snapshot)


def work(plugin: FakePlugin, **values: object) -> Any:  # noqa: ANN401 - stands in for Work
    return SimpleNamespace(
        plugin=plugin,
        settings=Settings.from_environment(ENVIRONMENT),
        after=SimpleNamespace(master="core2"),
        old=SimpleNamespace(volumes=["p_a", "p_b"]),
        journal=SimpleNamespace(warning=lambda _: None),
        snapshots={},
        **values,
    )


def test_only_what_the_new_version_wants_is_sent_the_rest_is_kept() -> None:
    plugin = FakePlugin()
    ours = work(plugin, wanted=["p_a", "p_new"])
    transfer.send_stopped(ours)
    assert plugin.sent == [("p_a@0", "10.0.0.2")]
    assert plugin.taken == ["p_a@0", "p_b@1"]
    assert ours.snapshots == {"p_a": "p_a@0"}


def test_a_send_that_fails_is_tried_again_with_a_new_snapshot() -> None:
    plugin = FakePlugin(failing=1)
    ours = work(plugin, wanted=["p_a"])
    transfer.send_stopped(ours)
    assert ours.snapshots == {"p_a": "p_a@1"}


def test_a_send_that_fails_twice_fails() -> None:
    with pytest.raises(BrokenError):
        transfer.send_stopped(work(FakePlugin(failing=2), wanted=["p_a"]))


def test_the_exact_snapshots_are_restored_and_only_those_wanted() -> None:
    plugin = FakePlugin()
    ours = work(plugin, new_volumes=["p_a", "p_new"], volumes_before=set())
    ours.snapshots = {"p_a": "p_a@7", "p_b": "p_b@8"}
    transfer.restore(ours)
    assert plugin.restored == [("p_a@7", "p_a")]
    assert plugin.removed == ["p_a@backup"]


@pytest.mark.parametrize(("touched", "restored"), [(True, [("p_a@7", "p_a")]), (False, [])])
def test_data_is_put_back_only_if_the_new_version_touched_it(
    *, touched: bool, restored: list[tuple[str, str]]
) -> None:
    plugin = FakePlugin()
    ours = work(plugin, touched=touched)
    ours.snapshots = {"p_a": "p_a@7"}
    transfer.put_back(ours)
    assert plugin.restored == restored
