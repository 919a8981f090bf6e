"""What is broken is put back by exact content, also by the next run, and never broken unseen."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, cast

import proving
import pytest
from agents import Agents, apply, require_broken, restore
from all_breaks import ALL_BREAKS
from breaking import Break

from cluster_tests.errors import NodeError, RefusedError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cluster_tests.inventory.entries import Inventory

BREAK = next(one for one in ALL_BREAKS if isinstance(one, Break) and one.restart)
ORIGINAL = BREAK.source.read_text()


class PaperAgents:
    """Every node's file, and the nodes that were started anew."""

    def __init__(self) -> None:
        self.files = dict.fromkeys(BREAK.nodes, ORIGINAL)
        self.restarted: list[str] = []

    def read(self, node: str, _file: str) -> str:
        return self.files[node]

    def write(self, node: str, _file: str, text: str) -> None:
        self.files[node] = text

    def restart(self, node: str) -> None:
        self.restarted.append(node)


@pytest.fixture
def paper() -> PaperAgents:
    return PaperAgents()


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    return tmp_path / "broken.json"


def as_agents(paper: PaperAgents) -> Agents:
    return cast("Agents", paper)


def test_what_was_broken_is_restored_by_whoever_comes_next(paper: PaperAgents, kept: Path) -> None:
    apply(as_agents(paper), [BREAK], kept)
    assert set(paper.files.values()) == {BREAK.applied_to(ORIGINAL)}
    require_broken(as_agents(paper), [BREAK])
    restore(as_agents(paper), kept)
    assert set(paper.files.values()) == {ORIGINAL}
    assert paper.restarted == [*BREAK.nodes, *BREAK.nodes]
    assert not kept.exists()


def test_breaks_of_one_file_are_applied_and_undone_together(paper: PaperAgents, kept: Path) -> None:
    beside = replace(
        BREAK, name="beside", old=ORIGINAL.splitlines()[0], new="# broken", restart=False
    )
    apply(as_agents(paper), [BREAK, beside], kept)
    both = beside.applied_to(BREAK.applied_to(ORIGINAL))
    assert set(paper.files.values()) == {both}
    assert paper.restarted == list(BREAK.nodes)
    require_broken(as_agents(paper), [BREAK, beside])
    with pytest.raises(NodeError, match="was replaced while"):
        require_broken(as_agents(paper), [BREAK])
    restore(as_agents(paper), kept)
    assert set(paper.files.values()) == {ORIGINAL}


def test_an_agent_of_another_version_is_left_alone(paper: PaperAgents, kept: Path) -> None:
    paper.files = dict.fromkeys(BREAK.nodes, "another version")
    with pytest.raises(RefusedError, match="not this repository's"):
        apply(as_agents(paper), [BREAK], kept)
    restore(as_agents(paper), kept)
    assert set(paper.files.values()) == {"another version"}


def test_a_break_that_was_mended_meanwhile_proves_nothing(paper: PaperAgents) -> None:
    with pytest.raises(NodeError, match="was replaced while"):
        require_broken(as_agents(paper), [BREAK])


def test_an_interruption_restores_the_cluster_and_removes_what_is_left(
    paper: PaperAgents, kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    @contextmanager
    def opened(_inventory: Inventory) -> Iterator[Agents]:
        yield as_agents(paper)

    def interrupted() -> None:
        with proving._broken([BREAK], Path("inventory.yaml"), cast("Inventory", None)):
            assert set(paper.files.values()) == {BREAK.applied_to(ORIGINAL)}
            raise KeyboardInterrupt

    swept: list[Path] = []
    monkeypatch.setattr(proving, "opened", opened)
    monkeypatch.setattr(proving, "_BROKEN", kept)
    monkeypatch.setattr(proving, "sweep", swept.append)
    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert set(paper.files.values()) == {ORIGINAL}
    assert swept == [Path("inventory.yaml")]
