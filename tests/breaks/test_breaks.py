"""The breaks, and what was seen of them, as far as that can be checked without a cluster."""

from __future__ import annotations

import ast
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from all_breaks import ALL_BREAKS
from breaking import ALL_NODES, Break, Breakage, Damage, Mutation
from evidence import Proof, Red, Result, keep_proof, load_proofs, read_report
from page import PAGE, written
from proving import grouped
from seen_otherwise import SEEN_OTHERWISE
from sentences import sentences_by_spec, sentences_of_behaviours
from tour_run import BEGIN, CLAIMS, read_evidence, steps_of

from cluster_tests.tour.plan import chained

if TYPE_CHECKING:
    from pathlib import Path

SENTENCES = sentences_by_spec()
PROOFS = load_proofs()
MUTATIONS = [one for one in ALL_BREAKS if isinstance(one, Mutation)]
# Every class of these is a case of its own (issue by issue, a row of its own in any list of cases).
CASES = (
    "definition",
    "maintenance",
    "migration",
    "script",
    "broken_versions",
    "refused_requests",
    "twice",
    "neighbours",
    "version",
    "infrastructure",
)


def proved() -> list[Breakage]:
    return [one for one in ALL_BREAKS if one.name in PROOFS and PROOFS[one.name].holds_for(one)]


def said_by(spec: str) -> frozenset[str]:
    if spec.startswith(BEGIN):
        assert chained(steps_of(spec))
        return frozenset(CLAIMS)
    classes = [said for name, said in SENTENCES.items() if name.startswith(spec)]
    return frozenset().union(*classes)


def test_every_sentence_was_seen_red() -> None:
    said = frozenset().union(*SENTENCES.values()) | sentences_of_behaviours() | set(CLAIMS)
    seen = {sentence for one in proved() for sentence in one.sentences}
    assert len(said) > 100
    assert said - seen - SEEN_OTHERWISE.keys() == set()


def test_what_can_be_broken_is_not_excused() -> None:
    broken = {sentence for one in ALL_BREAKS for sentence in one.sentences}
    assert broken.isdisjoint(SEEN_OTHERWISE)


def test_every_case_has_a_break_of_its_own() -> None:
    cases = {
        spec for spec in SENTENCES if any(f"specs/{family}_specs.py" in spec for family in CASES)
    }
    assert len(cases) > 25
    assert {spec for spec in cases if not any(spec.startswith(one.spec) for one in ALL_BREAKS)} == (
        set()
    )


def test_breaks_of_agents_for_one_class_can_be_seen_in_one_run() -> None:
    one = next(each for each in ALL_BREAKS if isinstance(each, Break))
    alone = replace(one, name="alone", alone=True)
    other = replace(one, name="other")
    elsewhere = replace(one, name="elsewhere", spec="specs/another_specs.py:WhenElsewhere")
    damage = next(each for each in ALL_BREAKS if isinstance(each, Damage))
    same_class = replace(damage, spec=one.spec)
    chosen = [one, alone, other, elsewhere, same_class]
    assert grouped(chosen, together=True) == [(one, other), (alone,), (elsewhere,), (same_class,)]
    assert grouped(chosen, together=False) == [(each,) for each in chosen]


def test_what_was_broken_beside_is_told(tmp_path: Path) -> None:
    path, one = tmp_path / "proofs.json", ALL_BREAKS[0]
    red = {sentence: Red("no", 1, 1) for sentence in one.sentences}
    keep_proof(one, Result(1, 2.0, red), "2026-01-01", path, beside=("another",))
    assert f"`{one.name}`" in written(PAGE.read_text(), load_proofs(path))
    assert "beside `another`" in written(PAGE.read_text(), load_proofs(path))


def test_a_tour_is_judged_by_the_evidence_of_its_steps(tmp_path: Path) -> None:
    (tmp_path / "failure.txt").write_text(
        "step 2: swap\n\n"
        "core1: over HTTP: record 1 is lost: a => None\n\n"
        "core2: over SSH: refused\n"
    )
    assert read_evidence(f"fail: core1\nevidence: {tmp_path}\n") == {
        "should_have_every_record_since_the_last_destroy_over_http": Red(
            "core1: over HTTP: record 1 is lost: a => None", 1, 1
        )
    }
    assert read_evidence("all is well\n") == {}


def test_nothing_is_kept_of_breaks_that_are_no_more() -> None:
    assert PROOFS.keys() <= {one.name for one in ALL_BREAKS}


def test_the_page_says_what_was_seen() -> None:
    page = PAGE.read_text()
    assert written(page, PROOFS) == page, "python tests/breaks/prove.py --write"


def test_no_two_breaks_have_one_name() -> None:
    assert len({one.name for one in ALL_BREAKS}) == len(ALL_BREAKS)


@pytest.mark.parametrize("one", ALL_BREAKS, ids=lambda one: one.name)
def test_a_break_names_a_spec_that_says_its_sentences(one: Breakage) -> None:
    assert one.sentences
    assert set(one.sentences) <= said_by(one.spec)


@pytest.mark.parametrize(
    "one", [one for one in ALL_BREAKS if isinstance(one, Break)], ids=lambda one: one.name
)
def test_a_break_strikes_at_nodes_there_are(one: Break) -> None:
    assert one.nodes
    assert set(one.nodes) <= set(ALL_NODES)


@pytest.mark.parametrize(
    "one", [one for one in ALL_BREAKS if isinstance(one, Damage)], ids=lambda one: one.name
)
def test_a_damage_can_be_undone(one: Damage) -> None:
    assert one.node in ALL_NODES
    assert one.undo.strip()
    assert one.undo != one.script


@pytest.mark.parametrize("one", MUTATIONS, ids=lambda one: one.name)
def test_a_mutation_can_be_applied_to_the_file_of_this_repository(one: Mutation) -> None:
    original = one.source.read_text()
    broken = one.applied_to(original)
    assert broken != original
    if one.source.suffix == ".py":
        ast.parse(broken)


def test_a_mutation_that_no_longer_fits_is_refused() -> None:
    with pytest.raises(ValueError, match=r"has 0 times"):
        MUTATIONS[0].applied_to("another agent")


def test_a_report_tells_what_is_red_in_how_many_examples(tmp_path: Path) -> None:
    report = tmp_path / "report.xml"
    report.write_text(
        '<testsuites><testsuite name="When"><testcase name="should a b"/>'
        '<testcase name="should c"><failure type="AssertionError" message="core1: no"/></testcase>'
        '</testsuite><testsuite name="When"><testcase name="should c"/>'
        '<testcase name="cleanup"><error type="E" message="late"/></testcase>'
        "</testsuite></testsuites>"
    )
    assert read_report(report) == {
        "should_c": Red("core1: no", 1, 2),
        "cleanup": Red("late", 1, 1),
    }


def test_what_was_seen_is_kept_beside_what_was_seen_before(tmp_path: Path) -> None:
    path = tmp_path / "proofs.json"
    first, second = ALL_BREAKS[:2]
    for one in (first, second):
        red = {sentence: Red("x" * 1000, 1, 1) for sentence in one.sentences}
        keep_proof(one, Result(1, 2.0, {**red, "cleanup": Red("late", 1, 1)}), "2026-01-01", path)
    kept = load_proofs(path)
    assert kept.keys() == {first.name, second.name}
    assert all(kept[one.name].holds_for(one) for one in (first, second))
    assert all(len(red.said) < 200 for red in kept[first.name].red.values())


def test_a_proof_does_not_hold_for_a_break_that_was_changed_since() -> None:
    one = MUTATIONS[0]
    red = {sentence: Red("no", 1, 1) for sentence in one.sentences}
    proof = Proof(one.fingerprint, "2026-01-01", red)
    assert proof.holds_for(one)
    assert proof.holds_for(replace(one, how="told in other words"))
    assert not proof.holds_for(replace(one, new="another mistake"))
    assert not Proof(one.fingerprint, "2026-01-01", {}).holds_for(one)


def test_what_was_not_seen_is_said_to_be_owed() -> None:
    page = written(PAGE.read_text(), {})
    assert page.count("*not seen yet*") == sum(len(one.sentences) for one in ALL_BREAKS)


def test_a_page_without_its_marks_is_refused() -> None:
    with pytest.raises(ValueError, match="two marks"):
        written("# Proofs\n", {})
