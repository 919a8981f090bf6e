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
from cluster_tests.nodes.engine_processes import Output

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
                    Schedule("a_files", "replicate:10.0.0.3", 60),
                    Schedule("a_volume_that_is_gone", "replicate:10.0.0.3", 60),
                }
            ),
            btrfs_volumes=frozenset({"a_db", "a_files"}),
        ),
        "core3": NodeView(),
    }
)


class PaperNode:
    """Writes down what it is asked; contents are looked up by volume and what is mounted."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.objects = {"send": "", "restore": ""}
        self.lost: tuple[str, str] | None = None  # what of which volume cannot be read
        self.changed: str | None = None  # the volume that is not what was sent
        self.breaks_at: str | None = None  # the snapshot whose sending breaks
        self.probe = self.engine = self

    def take_snapshot(self, volume: str) -> str:
        self.asked.append(f"snapshot {volume}")
        return f"{volume}@now"

    def send(self, snapshot: str, address: str) -> str:
        self.asked.append(f"send {snapshot} to {address}")
        if snapshot == self.breaks_at:
            raise NodeError("core1", "the probe ended")
        return self.objects["send"] if "db" in snapshot else ""

    def restore(self, snapshot: str, _volume: str) -> str:
        self.asked.append(f"restore {snapshot}")
        return self.objects["restore"] if "db" in snapshot else ""

    def remove_volume(self, _name: str) -> None:
        self.asked.append("remove")

    def run_apart(self, _like: str, _command: object, mounts: Mapping[str, object]) -> Output:
        self.asked.append("look")
        found = {
            place.removeprefix("/content/"): self._content(place.removeprefix("/content/"), source)
            for place, source in mounts.items()
        }
        readable = all(found.values())
        return Output(0 if readable else 1, json.dumps(found), "" if readable else "unreadable")

    def _content(self, volume: str, source: object) -> dict[str, object]:
        kind = "snapshot" if "@" in str(source) else "volume"
        if (kind, volume) == self.lost:
            return {}
        changed = kind == "volume" and volume == self.changed
        return {"files": 2, "sha256": "changed" if changed else f"hash of {volume}"}


@pytest.fixture
def nodes() -> dict[str, PaperNode]:
    return {node: PaperNode() for node in ("core1", "core3")}


def tried(nodes: dict[str, PaperNode], inventory: Inventory) -> dict[str, Replicated]:
    paper: Any = nodes
    with ThreadPoolExecutor() as executor:
        return replicate(executor, inventory, paper, SHOWN, "core1")


def test_snapshots_go_the_way_the_jobs_name_and_each_is_compared(
    nodes: dict[str, PaperNode], inventory: Inventory
) -> None:
    db, files = Content(2, "hash of a_db"), Content(2, "hash of a_files")
    assert tried(nodes, inventory) == {
        "a_db": Replicated(db, db),
        "a_files": Replicated(files, files),
    }
    assert sorted(nodes["core1"].asked) == [
        "look",  # one for both, as they travel
        "send a_db@now to 10.0.0.3",
        "send a_files@now to 10.0.0.3",
        "snapshot a_db",
        "snapshot a_files",
    ]
    assert sorted(nodes["core3"].asked[:2]) == ["restore a_db@now", "restore a_files@now"]
    assert nodes["core3"].asked[2:] == ["look", "remove", "remove"]


def test_without_jobs_nothing_is_tried(nodes: dict[str, PaperNode], inventory: Inventory) -> None:
    paper: Any = nodes
    with ThreadPoolExecutor() as executor:
        assert replicate(executor, inventory, paper, SHOWN, "core3") == {}
    assert nodes["core1"].asked == nodes["core3"].asked == []


def test_what_differs_is_told_of_the_volume_that_differs(
    nodes: dict[str, PaperNode], inventory: Inventory
) -> None:
    nodes["core3"].changed = "a_db"
    found = tried(nodes, inventory)
    assert found["a_db"].taken != found["a_db"].restored
    assert found["a_files"].taken == found["a_files"].restored


@pytest.mark.parametrize(("node", "doing"), [("core1", "send"), ("core3", "restore")])
def test_a_plugin_that_objects_is_a_result_and_keeps_no_other_volume_from_its_own(
    nodes: dict[str, PaperNode], inventory: Inventory, node: str, doing: str
) -> None:
    nodes[node].objects[doing] = "no such host"
    found = tried(nodes, inventory)
    assert found["a_db"].restored is None
    assert found["a_db"].objection.startswith(f"{node}: ")
    assert "no such host" in found["a_db"].objection
    assert found["a_files"].restored == found["a_files"].taken
    assert nodes["core3"].asked.count("remove") == 1


def test_volumes_of_our_own_go_even_if_one_cannot_be_read(
    nodes: dict[str, PaperNode], inventory: Inventory
) -> None:
    nodes["core3"].lost = ("volume", "a_files")
    with pytest.raises(NodeError, match=r"core3: the content of cluster-tests-.*unreadable"):
        tried(nodes, inventory)
    assert nodes["core3"].asked[-2:] == ["remove", "remove"]


def test_a_snapshot_that_cannot_be_read_is_an_error(
    nodes: dict[str, PaperNode], inventory: Inventory
) -> None:
    nodes["core1"].lost = ("snapshot", "a_db")
    with pytest.raises(NodeError, match=r"core1: the content of .*a_db@now.*unreadable"):
        tried(nodes, inventory)


def test_a_volume_of_our_own_goes_even_if_another_ones_way_breaks(
    nodes: dict[str, PaperNode], inventory: Inventory
) -> None:
    nodes["core1"].breaks_at = "a_db@now"
    with pytest.raises(NodeError, match="the probe ended"):
        tried(nodes, inventory)
    assert nodes["core3"].asked == ["restore a_files@now", "remove"]


def test_an_address_of_no_node_is_a_result(
    nodes: dict[str, PaperNode], inventory: Inventory
) -> None:
    del nodes["core3"]
    for volume, found in tried(nodes, inventory).items():
        assert found.taken == Content(2, f"hash of {volume}")
        assert found.restored is None
        assert found.objection == "core1: a job replicates to 10.0.0.3, which is no node's"
    assert not any(each.startswith("send") for each in nodes["core1"].asked)


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


def test_the_script_tells_each_directory_by_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("a_db", "a_files"):
        (tmp_path / name).mkdir()
    (tmp_path / "a_db" / "file").touch()
    monkeypatch.setattr(content_script, "PLACE", str(tmp_path))
    content_script.main()
    assert {name: each["files"] for name, each in json.loads(capsys.readouterr().out).items()} == {
        "a_db": 1,
        "a_files": 0,
    }
