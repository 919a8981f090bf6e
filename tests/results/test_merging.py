"""Merging: nothing is lost, and what is missing or does not belong together is told."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from synthetic import HOSTILE, KEPT, a_run, a_scenario, a_tour, written
from typer.testing import CliRunner

from cluster_tests.cli import app
from cluster_tests.errors import UsageError
from cluster_tests.history.store import History
from cluster_tests.results.merging import merge
from cluster_tests.results.reader import read_results
from cluster_tests.results.verdict import Verdict

if TYPE_CHECKING:
    from typer.testing import Result


def shard(root: Path, number: int, count: int = 2, **fields: Any) -> Path:  # noqa: ANN401
    known: dict[str, Any] = {
        "shard": f"{number}/{count}",
        "split": "s1",
        "planned": (f"class-{number}",),
    }
    run = a_run(**{"run_id": f"run-{number}", **known, **fields})
    verdict = Verdict(run.verdict or "pass").of_a_result
    written(root / run.run_id, run, [a_scenario(verdict, id=f"class-{number}")])
    return root / run.run_id


def test_two_shards_make_one_run(tmp_path: Path) -> None:
    parts = [shard(tmp_path, 1), shard(tmp_path, 2)]
    run = merge(parts, tmp_path / "whole")
    results = read_results(tmp_path / "whole")
    assert (run.verdict, run.exit_code, run.shard) == (Verdict.PASS, 0, None)
    assert run.parts == ("run-1", "run-2")
    assert [(each.id, each.shard) for each in results.scenarios] == [
        ("class-1", "1/2"),
        ("class-2", "2/2"),
    ]
    assert results.run.planned == ("class-1", "class-2")
    assert results.not_run == ()


def test_timelines_and_evidence_come_along(tmp_path: Path) -> None:
    a_tour(tmp_path / "a", seed=1, limit=60)
    a_tour(tmp_path / "b", seed=2, limit=60)
    merge([tmp_path / "a", tmp_path / "b"], tmp_path / "whole")
    merged = read_results(tmp_path / "whole")
    assert len(merged.scenarios) == 120
    assert len(merged.timelines) == 120
    assert all(merged.timelines.values())
    of_the_first = read_results(tmp_path / "a")
    for before, after in zip(of_the_first.switches, merged.switches, strict=False):
        kept = merged.timelines[after.timeline or ""]
        assert of_the_first.timelines[before.timeline or ""] == kept
    named = [each.evidence for each in merged.scenarios if each.evidence]
    assert named
    for path in named:
        assert merged.evidence[path] == KEPT
        assert (tmp_path / "whole" / path / "core1" / "consul.log").is_file()


def test_a_missing_shard_is_no_pass(tmp_path: Path) -> None:
    run = merge([shard(tmp_path, 1, 3), shard(tmp_path, 3, 3)], tmp_path / "whole")
    assert run.verdict is Verdict.UNKNOWN
    assert run.errors == ("shard 2/3 is missing: nothing is known of its scenarios",)


def test_a_part_that_did_not_end_is_no_pass(tmp_path: Path) -> None:
    killed = shard(tmp_path, 2, ended=None, verdict=None, exit_code=None)
    run = merge([shard(tmp_path, 1), killed], tmp_path / "whole")
    assert run.verdict is Verdict.INTERRUPTED
    assert "run run-2 did not end" in run.errors[0]


def test_the_worst_verdict_is_that_of_all(tmp_path: Path) -> None:
    failed = shard(tmp_path, 2, verdict=Verdict.FAIL, exit_code=1, errors=("x",))
    run = merge([shard(tmp_path, 1), failed], tmp_path / "whole")
    assert (run.verdict, run.exit_code, run.errors) == (Verdict.FAIL, 1, ("x",))


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"cluster": "other"}, "different clusters: lab, other"),
        ({"version": "v2"}, "different versions"),
        ({"split": "s2"}, "different ways to split"),
        ({"shard": "2/3"}, "different ways to split"),
        ({"shard": "1/2"}, "the same shard"),
        ({"run_id": "run-1"}, "named twice"),
    ],
)
def test_what_does_not_belong_together_is_refused(
    tmp_path: Path, fields: dict[str, Any], why: str
) -> None:
    first = shard(tmp_path / "1", 1)
    with pytest.raises(UsageError, match=why):
        merge([first, shard(tmp_path / "2", 2, **fields)], tmp_path / "whole")
    assert not (tmp_path / "whole").exists()


def test_nothing_is_written_over(tmp_path: Path) -> None:
    parts = [shard(tmp_path, 1), shard(tmp_path, 2)]
    with pytest.raises(UsageError, match="is there already"):
        merge(parts, parts[0])


def invoked(*arguments: object) -> Result:
    return CliRunner().invoke(app, list(map(str, arguments)))


def test_the_command_reports_and_ends_with_the_merged_run_s_exit_code(tmp_path: Path) -> None:
    whole = tmp_path / "whole"
    done = invoked("merge", shard(tmp_path, 1), "--into", whole)
    assert done.exit_code == 2, done.output
    assert "note: shard 2/2 is missing" in done.output
    assert done.output.endswith(f"report: {whole}/report.html\nverdict: unknown\n")
    assert (whole / "junit.xml").is_file()
    [run] = History(tmp_path).runs(last=9)  # the merged one alone: a shard is only a part
    assert run.verdict is Verdict.UNKNOWN


def test_the_report_can_be_made_again(tmp_path: Path) -> None:
    written(tmp_path / "r", a_run("r"), [a_scenario(case=HOSTILE)])
    for _ in range(2):
        done = invoked("report", tmp_path / "r")
        assert done.exit_code == 0, done.output
        assert Path(done.output.strip()) == tmp_path / "r" / "report.html"
    assert len(History(tmp_path).runs(last=9)) == 1
