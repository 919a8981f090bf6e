"""The matrix: a row for each placement before, a column for each after."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from cluster_tests.model import NOWHERE, Placement, Switch
from cluster_tests.results.verdict import Verdict
from cluster_tests.tour import matrix
from cluster_tests.tour.paper import Plan
from cluster_tests.tour.plan import full_circuit
from cluster_tests.tour.tour import Result

if TYPE_CHECKING:
    from pathlib import Path

ONE, PAIR = Placement("core1"), Placement("core1", "core2")
PLAN = Plan("random", 7, ("core1", "core2"), (Switch(NOWHERE, ONE), Switch(ONE, PAIR)))
RESULTS = [
    Result(1, Switch(NOWHERE, ONE), Verdict.PASS, 2.25),
    Result(2, Switch(ONE, PAIR), Verdict.FAIL, 61.0),
    Result(3, Switch(PAIR, NOWHERE), Verdict.UNKNOWN, None),
]


def test_cells_stand_in_the_row_of_before_and_the_column_of_after() -> None:
    _, head, *rows = matrix.lines(PLAN, RESULTS)
    assert head.split() == ["-", "1", "2", "1/2", "2/1"]
    cells = {row.split()[0]: row.split()[1:] for row in rows}
    assert cells["-"] == ["2.2", ".", ".", "."]  # nowhere to nowhere is none
    assert cells["1"] == [".", ".", ".", "61.0!", "."]
    assert cells["1/2"] == ["?", ".", ".", ".", "."]


def test_four_nodes_make_17_rows_and_columns_that_fit_a_wide_terminal() -> None:
    nodes = ("core1", "core2", "core3", "core4")
    steps = tuple(full_circuit(nodes, 1))
    results = [Result(n, step, Verdict.PASS, 12.3) for n, step in enumerate(steps, start=1)]
    _, head, *rows = matrix.lines(Plan("full", 1, nodes, steps), results)
    assert len(head.split()) == len(rows) == 17
    assert sum(row.count("12.3") for row in rows) == 288
    assert max(map(len, rows)) <= 120


def test_as_json(tmp_path: Path) -> None:
    matrix.save(PLAN, RESULTS, tmp_path / "matrix.json")
    saved = json.loads((tmp_path / "matrix.json").read_text())
    assert saved["seed"] == 7
    assert saved["results"][1] == {
        "step": 2,
        "kind": "gain-slave",
        "before": "core1",
        "after": "core1/core2",
        "verdict": "fail",
        "seconds": 61.0,
        "evidence": None,
    }


def test_the_summary_counts_verdicts() -> None:
    assert matrix.summary(RESULTS) == ("3 switches made: 1 pass, 1 fail, 1 unknown; median 31.6 s")
    assert matrix.summary([]) == "0 switches made: none"
