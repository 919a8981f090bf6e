"""Sentences about events that must change nothing, and about migrations: held, and seen to fail."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from paper import NODES

from cluster_tests.behaviours import behaves_like
from cluster_tests.behaviours.migrating import (
    HandsItsDataOver,
    KeepsItsOwnData,
    LeavesTheSourceAlone,
)
from cluster_tests.behaviours.refusing import ChangesNothing, IsRefused
from cluster_tests.fronts.asking import Failure
from cluster_tests.fronts.ledger import Record
from cluster_tests.givens.migrating import AFailingMigration, AMigration
from cluster_tests.givens.refusals import AnUndisturbedApplication, Look
from cluster_tests.grammar.rules import methods_of
from cluster_tests.model import NodeView, Observation
from cluster_tests.tenancy.served import Served, Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable

    Break = Callable[[SimpleNamespace], None]

OURS, THEIRS = Record(1, "ours"), Record(101, "the source's")
CALM = Observation(
    {node: NodeView(snapshots=frozenset({"v@1"}), checkouts=frozenset({"c"})) for node in NODES},
    record={"deploy_id": "d1"},
)
LOOK = Look(CALM, {"neighbour": CALM, "source": CALM})
NODE = CALM.nodes["core2"]


def observed(**changes: Any) -> Observation:  # noqa: ANN401 - any field of a node's view
    return replace(CALM, nodes={**CALM.nodes, "core2": replace(NODE, **changes)})


GONE = observed(checkouts=frozenset())


def serving(*records: Record) -> dict[str, Served]:
    found = frozenset(record.found for record in records)
    return {node: Served(None, found, found, None) for node in NODES}


@pytest.fixture
def spec() -> SimpleNamespace:
    return SimpleNamespace(
        about="core9",
        complaints=dict.fromkeys(NODES, ("refused: the master 'Core9' is no node",)),
        was=LOOK,
        stayed=LOOK,
        expected=CALM,
        observed=CALM,
        written=(OURS,),
        served_meanwhile=serving(OURS),
        source_written=(THEIRS,),
        source_served=serving(THEIRS),
        target_served=serving(THEIRS),
        asked=dict.fromkeys(NODES, 3),
        failures=(),
        notes_found={
            ("target", "/srv/kept"): "the target",
            ("source", "/srv/kept"): "the source",
            ("target", "/srv/theirs"): "the target",
            ("source", "/srv/ours"): "the source",
        },
    )


def setting(**values: object) -> Break:
    def change(spec: SimpleNamespace) -> None:
        vars(spec).update(values)

    return change


def note(whose: str, place: str) -> Break:
    def change(spec: SimpleNamespace) -> None:
        spec.notes_found[whose, place] = "somebody else"

    return change


SILENT = {**serving(THEIRS), "core3": Served(None, frozenset(), Unavailable("refused"), None)}
FAILED = Failure("now", "core4", "source", "reset by peer")
BREAKS: dict[tuple[type, str], list[Break]] = {
    (IsRefused, "should_log_one_clear_error_on_every_node"): [
        setting(complaints={}),
        setting(complaints=dict.fromkeys(NODES, ())),
        setting(complaints=dict.fromkeys(NODES, ("core9", "core9"))),
        setting(complaints={**dict.fromkeys(NODES, ("core9",)), "core4": ("no",)}),
    ],
    (ChangesNothing, "should_leave_the_application_as_it_was"): [
        setting(stayed=replace(LOOK, application=GONE)),
        setting(stayed=replace(LOOK, application=observed(snapshots=frozenset()))),
        setting(stayed=replace(LOOK, application=replace(CALM, record=None))),
        setting(stayed=replace(LOOK, application=replace(CALM, maintenance=True))),
    ],
    (ChangesNothing, "should_leave_every_other_application_as_it_was"): [
        setting(was=replace(LOOK, others={}), stayed=replace(LOOK, others={})),
        setting(stayed=replace(LOOK, others={"neighbour": CALM})),
        setting(stayed=replace(LOOK, others={"neighbour": CALM, "source": GONE})),
    ],
    (ChangesNothing, "should_serve_everything_as_before_through_every_node"): [
        setting(served_meanwhile={}),
        setting(served_meanwhile=serving()),
        setting(served_meanwhile=SILENT),
    ],
    (ChangesNothing, "should_settle_at_the_next_good_deploy"): [setting(observed=GONE)],
    (LeavesTheSourceAlone, "should_not_interrupt_the_source"): [
        setting(asked={}),
        setting(asked={**dict.fromkeys(NODES, 3), "core1": 0}),
        setting(failures=(FAILED,)),
    ],
    (LeavesTheSourceAlone, "should_leave_the_source_its_records_through_every_node"): [
        setting(source_served=serving(OURS)),
        setting(source_served=SILENT),
    ],
    (LeavesTheSourceAlone, "should_leave_the_target_where_and_as_it_ran"): [
        setting(stayed=replace(LOOK, application=GONE))
    ],
    (LeavesTheSourceAlone, "should_leave_every_other_application_as_it_was"): [
        setting(stayed=replace(LOOK, others={"neighbour": CALM, "source": GONE}))
    ],
    (HandsItsDataOver, "should_have_the_source_s_records_through_every_node"): [
        setting(target_served=serving(OURS)),
        setting(target_served=SILENT),
    ],
    (HandsItsDataOver, "should_log_no_error"): [
        setting(complaints={**dict.fromkeys(NODES, ()), "core1": ("oops",)})
    ],
    (HandsItsDataOver, "should_keep_the_target_s_content_of_a_volume_that_is_not_migrable"): [
        note("target", "/srv/kept"),
        note("source", "/srv/kept"),
    ],
    (HandsItsDataOver, "should_leave_volumes_alone_that_only_one_of_them_has"): [
        note("target", "/srv/theirs"),
        note("source", "/srv/ours"),
    ],
    (KeepsItsOwnData, "should_still_have_the_target_s_own_records_through_every_node"): [setting()],
}
BEHAVIOURS = dict.fromkeys(behaviour for behaviour, _ in BREAKS)


def test_every_sentence_is_here() -> None:
    sentences = {(each, one.name) for each in BEHAVIOURS for one in methods_of(each)}
    assert sentences == set(BREAKS)


@pytest.mark.parametrize(("behaviour", "sentence"), BREAKS)
def test_holds_when_all_is_well(spec: SimpleNamespace, behaviour: type, sentence: str) -> None:
    if behaviour is HandsItsDataOver:
        spec.complaints = dict.fromkeys(NODES, ())
    if behaviour is KeepsItsOwnData:
        spec.target_served = serving(OURS)
    getattr(behaviour, sentence)(spec)


@pytest.mark.parametrize(
    ("behaviour", "sentence", "break_it"),
    [(*key, each) for key, breaks in BREAKS.items() for each in breaks],
)
def test_fails_when_something_is_not(
    spec: SimpleNamespace, behaviour: type, sentence: str, break_it: Break
) -> None:
    break_it(spec)
    with pytest.raises(AssertionError):
        getattr(behaviour, sentence)(spec)


def test_a_new_snapshot_may_take_the_place_of_an_old_one(spec: SimpleNamespace) -> None:
    spec.stayed = replace(LOOK, application=observed(snapshots=frozenset({"v@2", "w@1"})))
    ChangesNothing.should_leave_the_application_as_it_was(spec)  # type: ignore[arg-type]


def test_can_be_lent_to_their_contexts() -> None:
    behaves_like(ChangesNothing, IsRefused)(type("Leaf", (AnUndisturbedApplication,), {}))
    behaves_like(LeavesTheSourceAlone, HandsItsDataOver)(type("Leaf", (AMigration,), {}))
    behaves_like(LeavesTheSourceAlone, KeepsItsOwnData, IsRefused)(
        type("Leaf", (AFailingMigration,), {})
    )
