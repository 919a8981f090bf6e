"""`cluster-tests tour`: what cannot be meant is refused before anything is brought up."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from cluster_tests.cli import app
from cluster_tests.errors import HarnessError, NotSettledError, UsageError
from cluster_tests.model import NOWHERE, Placement, Switch
from cluster_tests.plugin.interrupts import Interrupted
from cluster_tests.results.verdict import Verdict
from cluster_tests.tour.commands import _fitting, verdict_of_all
from cluster_tests.tour.paper import Plan
from cluster_tests.tour.tour import Result

if TYPE_CHECKING:
    from pathlib import Path

STEPS = (Switch(NOWHERE, Placement("a")), Switch(Placement("a"), NOWHERE))
PLAN = Plan("random", 1, ("a", "b"), STEPS)


def refused(*arguments: str) -> UsageError:
    done = CliRunner().invoke(app, ["tour", *arguments])
    assert isinstance(done.exception, UsageError), done.output
    return done.exception


@pytest.mark.parametrize(
    "arguments", [[], ["--kinds", "--full"], ["--random", "3", "--kinds"]], ids=str
)
def test_a_tour_is_of_one_sort(arguments: list[str]) -> None:
    assert "one of --kinds, --full, --random N and --plan FILE" in refused(*arguments).remedy


def test_a_step_is_counted_in_a_plan(tmp_path: Path) -> None:
    assert "add --plan FILE" in refused("--kinds", "--from", "3").remedy
    path = tmp_path / "plan.json"
    PLAN.save(path)
    for step in ("0", "3"):
        assert "steps 1 to 2" in refused("--plan", str(path), "--from", step).message


def test_the_growth_is_told_where_all_switches_are_offered() -> None:
    done = CliRunner().invoke(app, ["tour", "--help"])
    assert "fourth power" in " ".join(done.output.split())


def test_a_plan_for_other_nodes_is_refused() -> None:
    assert _fitting(PLAN, ["a", "b", "c"]) is PLAN
    with pytest.raises(UsageError, match="does not have: b"):
        _fitting(PLAN, ["a", "c"])


@pytest.mark.parametrize(
    ("verdicts", "code"),
    [
        ([Verdict.PASS], 0),
        ([Verdict.PASS, Verdict.UNKNOWN], 2),
        ([Verdict.UNKNOWN, Verdict.FAIL, Verdict.PASS], 1),
    ],
)
def test_what_is_proved_broken_outweighs_what_is_not_known(
    verdicts: list[Verdict], code: int
) -> None:
    results = [Result(1, STEPS[0], verdict, 1.0) for verdict in verdicts]
    assert verdict_of_all(results, []).exit_code == code


def test_a_tour_that_broke_off_did_not_pass() -> None:
    passed = [Result(1, STEPS[0], Verdict.PASS, 1.0)]
    failed = [Result(1, STEPS[0], Verdict.FAIL, 1.0)]
    assert verdict_of_all(passed, [HarnessError("x")]) is Verdict.UNKNOWN
    assert verdict_of_all(failed, [HarnessError("x")]) is Verdict.FAIL
    assert verdict_of_all(passed, [NotSettledError("x")]) is Verdict.FAIL
    assert verdict_of_all(failed, [Interrupted()]) is Verdict.INTERRUPTED
    assert verdict_of_all([], []) is Verdict.UNKNOWN
