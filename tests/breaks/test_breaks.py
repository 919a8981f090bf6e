"""The breaks, as far as they can be checked without a cluster."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

import pytest
from all_breaks import ALL_BREAKS
from breaking import ALL_NODES, Break
from breaks import BREAKS
from evidence import read_report, table
from sentences import sentences_by_spec, sentences_of_behaviours
from unproved import UNPROVED

if TYPE_CHECKING:
    from pathlib import Path

SENTENCES = sentences_by_spec()


PROVED = frozenset(sentence for one in BREAKS for sentence in one.sentences)


def test_every_sentence_has_a_break_that_turns_it_red() -> None:
    said = frozenset().union(*SENTENCES.values()) | sentences_of_behaviours()
    assert len(said) > 20
    assert said - UNPROVED <= PROVED


def test_what_is_proved_is_no_longer_owed() -> None:
    assert PROVED.isdisjoint(UNPROVED)


def test_no_two_breaks_have_one_name() -> None:
    assert len({one.name for one in ALL_BREAKS}) == len(ALL_BREAKS)


@pytest.mark.parametrize("one", ALL_BREAKS, ids=lambda one: one.name)
def test_a_break_names_a_spec_that_says_its_sentences(one: Break) -> None:
    assert one.sentences
    assert set(one.sentences) <= SENTENCES[one.spec]
    assert set(one.nodes) <= set(ALL_NODES)
    assert one.nodes


@pytest.mark.parametrize("one", ALL_BREAKS, ids=lambda one: one.name)
def test_a_break_can_be_applied_to_the_agent_of_this_repository(one: Break) -> None:
    original = one.source.read_text()
    broken = one.applied_to(original)
    assert broken != original
    if one.source.suffix == ".py":
        ast.parse(broken)


def test_a_break_that_no_longer_fits_is_refused() -> None:
    with pytest.raises(ValueError, match=r"has 0 times"):
        ALL_BREAKS[0].applied_to("another agent")


def test_a_report_tells_what_is_red_and_what_it_said(tmp_path: Path) -> None:
    report = tmp_path / "report.xml"
    report.write_text(
        '<testsuites><testsuite name="When"><testcase name="should a b"/>'
        '<testcase name="should c"><failure type="AssertionError" message="core1: no"/></testcase>'
        '<testcase name="cleanup"><error type="E" message="late"/></testcase>'
        "</testsuite></testsuites>"
    )
    assert read_report(report) == (2, {"should_c": "core1: no", "cleanup": "late"})


def test_what_was_not_seen_is_no_proof(tmp_path: Path) -> None:
    assert table(tmp_path, ALL_BREAKS[:1]).endswith("*not seen yet* |")
