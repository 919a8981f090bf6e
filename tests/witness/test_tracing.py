"""Where a lost write went, from what snapshots hold."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cluster_tests.model import Placement, Switch
from cluster_tests.witness.tracing import Trace, trace
from cluster_tests.witness.tracing_script import holdings

if TYPE_CHECKING:
    from pathlib import Path

SWAP = Switch(Placement("core1", "core2"), Placement("core2", "core1"))
HELD, EMPTY = frozenset({"7"}), frozenset[str]()
EARLY, LAST = "v_files@2026-11-21T10:00:00.1", "v_files@2026-11-21T10:00:02.5"


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ({EARLY: EMPTY, LAST: EMPTY}, {EARLY: EMPTY, LAST: EMPTY}, (False, True, True)),
        ({EARLY: EMPTY, LAST: HELD}, {EARLY: EMPTY}, (True, False, False)),
        ({EARLY: EMPTY, LAST: HELD}, {EARLY: EMPTY, LAST: HELD}, (True, True, True)),
        ({f"{LAST}@10.0.0.2": HELD}, {LAST: HELD}, (True, True, True)),
        ({EARLY: HELD}, {EARLY: HELD, LAST: EMPTY}, (True, True, False)),
        ({}, {LAST: HELD}, (None, None, None)),
    ],
)
def test_a_lost_record_is_followed_from_snapshot_to_snapshot(
    old: dict[str, frozenset[str]],
    new: dict[str, frozenset[str]],
    expected: tuple[bool | None, ...],
) -> None:
    [found] = trace(SWAP, ["7"], {"core1": old, "core2": new})
    assert (found.taken, found.received, found.restored) == expected


def test_where_the_master_stays_nothing_is_sent() -> None:
    stays = Switch(Placement("core1"), Placement("core1", "core2"))
    assert trace(stays, ["7"], {"core1": {LAST: HELD}}) == (
        Trace("7", taken=True, received=None, restored=None),
    )


def test_a_trace_says_how_far_a_record_came() -> None:
    assert str(Trace("7", taken=True, received=False, restored=None)) == (
        "record 7: in the old master's last snapshot: yes, that snapshot received: NO,"
        " that snapshot the one restored: -"
    )


def test_snapshots_are_searched_for_the_files_that_are_asked_for(tmp_path: Path) -> None:
    for snapshot, names in (("v_files@1", ("7", "8")), ("v_files@2", ("8",)), ("other@1", ("7",))):
        (tmp_path / snapshot).mkdir()
        for name in names:
            (tmp_path / snapshot / name).touch()
    assert holdings(tmp_path, "v_files@", ["7"]) == {"v_files@1": ["7"], "v_files@2": []}
