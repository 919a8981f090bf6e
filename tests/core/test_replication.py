"""A replication that is tried: what is compared, and what becomes of a plugin that objects."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from cluster_tests.cluster import content_script
from cluster_tests.cluster.replication import Content, Replicated, replicate
from cluster_tests.errors import NodeError
from cluster_tests.model import NodeView, Observation, Schedule
from cluster_tests.nodes.node import Output

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from cluster_tests.inventory.entries import Inventory

pytest_plugins = ["core_fixtures"]

SHOWN = Observation(
    {
        "core1": NodeView(
            schedules=frozenset(
                {
                    Schedule("a_db", "replicate:10.0.0.3", 60),
                    Schedule("a_db", "purge:1h", 1440),
                    Schedule("a_volume_that_is_gone", "replicate:10.0.0.3", 60),
                }
            ),
            btrfs_volumes=frozenset({"a_db"}),
        ),
        "core3": NodeView(),
    }
)


class PaperNode:
    """Writes down what it is asked; contents are looked up by what is mounted."""

    def __init__(self, contents: dict[str, str]) -> None:
        self.asked: list[str] = []
        self.objects = {"send": "", "restore": ""}
        self.contents = contents
        self.probe = self.engine = self

    def take_snapshot(self, volume: str) -> str:
        self.asked.append(f"snapshot {volume}")
        return f"{volume}@now"

    def send(self, snapshot: str, address: str) -> str:
        self.asked.append(f"send {snapshot} to {address}")
        return self.objects["send"]

    def restore(self, snapshot: str, _volume: str) -> str:
        self.asked.append(f"restore {snapshot}")
        return self.objects["restore"]

    def remove_volume(self, _name: str) -> None:
        self.asked.append("remove")

    def run_apart(self, _like: str, _command: object, mounts: Mapping[str, object]) -> Output:
        [source] = mounts.values()
        self.asked.append("look")
        found = self.contents["snapshot" if "@" in str(source) else "volume"]
        return Output(0 if found else 1, found, "" if found else "unreadable")


@pytest.fixture
def nodes() -> dict[str, PaperNode]:
    content = json.dumps({"files": 2, "sha256": "abc"})
    return {
        node: PaperNode({"snapshot": content, "volume": content}) for node in ("core1", "core3")
    }


def tried(nodes: dict[str, PaperNode], inventory: Inventory) -> dict[str, Replicated]:
    paper: Any = nodes
    with ThreadPoolExecutor() as executor:
        return replicate(executor, inventory, paper, SHOWN, "core1")


def test_a_snapshot_goes_the_way_the_job_names_and_is_compared(
    nodes: dict[str, PaperNode], inventory: Inventory
) -> None:
    content = Content(2, "abc")
    assert tried(nodes, inventory) == {"a_db": Replicated(content, content)}
    first, *rest = nodes["core1"].asked
    assert first == "snapshot a_db"
    assert sorted(rest) == ["look", "send a_db@now to 10.0.0.3"]  # at the same time
    assert nodes["core3"].asked == ["restore a_db@now", "look", "remove"]


def test_what_differs_is_told(nodes: dict[str, PaperNode], inventory: Inventory) -> None:
    nodes["core3"].contents["volume"] = json.dumps({"files": 1, "sha256": "cba"})
    [found] = tried(nodes, inventory).values()
    assert found.taken != found.restored


@pytest.mark.parametrize(("node", "doing"), [("core1", "send"), ("core3", "restore")])
def test_a_plugin_that_objects_is_a_result(
    nodes: dict[str, PaperNode], inventory: Inventory, node: str, doing: str
) -> None:
    nodes[node].objects[doing] = "no such host"
    [found] = tried(nodes, inventory).values()
    assert found.restored is None
    assert found.objection.startswith(f"{node}: ")
    assert "no such host" in found.objection


def test_the_volume_of_our_own_goes_even_if_it_cannot_be_read(
    nodes: dict[str, PaperNode], inventory: Inventory
) -> None:
    nodes["core3"].contents["volume"] = ""
    with pytest.raises(NodeError, match=r"core3: the content of cluster-tests-.*unreadable"):
        tried(nodes, inventory)
    assert nodes["core3"].asked[-1] == "remove"


def test_an_address_of_no_node_is_a_result(
    nodes: dict[str, PaperNode], inventory: Inventory
) -> None:
    del nodes["core3"]
    [found] = tried(nodes, inventory).values()
    assert found.restored is None
    assert found.objection == "core1: a job replicates to 10.0.0.3, which is no node's"


# --- the script that reads


def change_bytes(root: Path) -> None:
    (root / "a").write_text("other")


def change_name(root: Path) -> None:
    (root / "a").rename(root / "b")


def change_mode(root: Path) -> None:
    (root / "a").chmod(0o600)


def change_link(root: Path) -> None:
    (root / "link").unlink()
    (root / "link").symlink_to("elsewhere")


def add_directory(root: Path) -> None:
    (root / "empty").mkdir()


@pytest.mark.parametrize(
    "change", [change_bytes, change_name, change_mode, change_link, add_directory]
)
def test_the_hash_notices(tmp_path: Path, change: Any) -> None:  # noqa: ANN401 - a function
    (tmp_path / "a").write_text("text")
    (tmp_path / "a").chmod(0o644)
    (tmp_path / "link").symlink_to("a")
    before = content_script.content(tmp_path)
    assert before["files"] == 1
    assert content_script.content(tmp_path) == before
    change(tmp_path)
    assert content_script.content(tmp_path)["sha256"] != before["sha256"]
