"""`cluster-tests` ends with the codes that docs/results.md promises."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from cluster_tests import cli
from cluster_tests.results.values import RunRecord
from cluster_tests.results.verdict import Verdict
from cluster_tests.results.writer import RunWriter

if TYPE_CHECKING:
    from pathlib import Path

STARTED = "2026-11-21T12:00:00+00:00"


def ended(monkeypatch: pytest.MonkeyPatch, *words: str) -> object:
    monkeypatch.setattr(sys, "argv", ["cluster-tests", *words])
    with pytest.raises(SystemExit) as raised:
        cli.main()
    return raised.value.code


@pytest.mark.parametrize("verdict", list(Verdict))
def test_a_merged_run_ends_with_its_verdict_s_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, verdict: Verdict
) -> None:
    RunWriter(tmp_path / "a").run(RunRecord("a", ("x",), STARTED, ended=STARTED, verdict=verdict))
    into = str(tmp_path / "whole")
    assert ended(monkeypatch, "merge", str(tmp_path / "a"), "--into", into) == verdict.exit_code


@pytest.mark.parametrize("words", [["no-such"], ["history", "--no-such"], ["merge"], []], ids=str)
def test_a_mistyped_command_is_a_mistake_in_the_arguments(
    monkeypatch: pytest.MonkeyPatch, words: list[str]
) -> None:
    assert ended(monkeypatch, *words) == 3


def test_help_is_no_mistake(monkeypatch: pytest.MonkeyPatch) -> None:
    assert ended(monkeypatch, "--help") == 0
