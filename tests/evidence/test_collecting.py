"""Evidence is collected within its time, whatever a node does, and tells what is not there."""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING

import pytest

from cluster_tests.errors import NodeError
from cluster_tests.evidence.collecting import LIMIT, WHOLE, collect
from cluster_tests.evidence.parts import Part

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

DEADLINE = 0.2  # seconds


@pytest.fixture
def never() -> Iterator[threading.Event]:
    """Give an event that nobody sets while the test runs."""
    event = threading.Event()
    yield event
    event.set()


def hang(event: threading.Event) -> str:
    event.wait()
    return "too late"


def fail() -> str:
    raise NodeError("core2", "the engine does not answer")


def test_parts_are_files_by_node(tmp_path: Path) -> None:
    parts = [Part("core1", "caddy.log", lambda: "said"), Part("", "observation.txt", lambda: "æ")]
    kept = collect(parts, tmp_path / "new")
    assert (tmp_path / "new" / "core1" / "caddy.log").read_text() == "said"
    assert (tmp_path / "new" / "observation.txt").read_text() == "æ"
    assert {(part.where, part.name, part.bytes) for part in kept} == {
        ("core1", "caddy.log", 4),
        ("", "observation.txt", 2),
    }


def test_a_node_that_hangs_costs_its_own_parts_only(tmp_path: Path, never: threading.Event) -> None:
    parts = [
        Part("core1", "caddy.log", lambda: "said"),
        Part("core2", "caddy.log", lambda: hang(never)),
    ]
    kept = collect(parts, tmp_path, seconds=DEADLINE)
    assert [(part.where, part.missing) for part in kept] == [
        ("core1", ""),
        ("core2", "no answer within 0.2 s"),
    ]
    assert not (tmp_path / "core2").exists()


def test_an_error_is_told_of_its_part_and_the_rest_is_kept(tmp_path: Path) -> None:
    parts = [Part("core1", "caddy.log", lambda: "said"), Part("core2", "caddy.log", fail)]
    missing = {part.where: part.missing for part in collect(parts, tmp_path)}
    assert missing["core1"] == ""
    assert missing["core2"] == "NodeError: core2: the engine does not answer"


def test_of_much_text_the_end_is_kept(tmp_path: Path) -> None:
    text = "x" * LIMIT + "the end"
    [kept] = collect([Part("core1", "engine.log", lambda: text)], tmp_path)
    assert kept.shortened
    content = (tmp_path / "core1" / "engine.log").read_text()
    assert content.startswith("(the beginning is left out)\n")
    assert content.endswith("xthe end")
    assert LIMIT < len(content) < LIMIT + 100


def test_the_index_lists_what_is_there_and_what_is_not(tmp_path: Path) -> None:
    collect([Part("core1", "a", lambda: "1"), Part("core2", "b", fail)], tmp_path)
    index = json.loads((tmp_path / "index.json").read_text())
    assert {(part["where"], bool(part["missing"])) for part in index} == {
        ("core1", False),
        ("core2", True),
    }


def test_many_parts_share_the_room_that_there_is(tmp_path: Path) -> None:
    text = "x" * LIMIT
    parts = [Part("core1", f"{number}.log", lambda: text) for number in range(100)]
    kept = collect(parts, tmp_path)
    assert len(kept) == 100
    assert all(part.shortened for part in kept)
    assert 0.9 * WHOLE < sum(part.bytes for part in kept) < 1.1 * WHOLE
