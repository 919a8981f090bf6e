"""Each sentence of each behaviour, seen to hold and seen to fail: node, expected, found."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest
from paper import COMPOSE, NODES, an_inventory

from cluster_tests import behaviours
from cluster_tests.behaviours import behaves_like
from cluster_tests.behaviours.checking import assert_each_same, without_role
from cluster_tests.cluster.replication import Content, Replicated
from cluster_tests.definition.compose import parse_definition
from cluster_tests.errors import UsageError
from cluster_tests.expectation.oracle import Expectation
from cluster_tests.expectation.question import History
from cluster_tests.fronts.ledger import Change, Difference, Record
from cluster_tests.givens.versions import AnApplicationWithANewVersion
from cluster_tests.grammar.rules import methods_of
from cluster_tests.model import (
    NOWHERE,
    Application,
    Check,
    Container,
    Observation,
    Placement,
    Registration,
    Route,
    Schedule,
    Site,
    Volume,
)
from cluster_tests.tenancy.served import Departed, Served, Unavailable
from cluster_tests.witness.attempts import Answer, Attempt, Outcome, What
from cluster_tests.witness.statement import Statement, Writes
from cluster_tests.witness.tracing import Trace

if TYPE_CHECKING:
    from pathlib import Path

Break = Callable[[SimpleNamespace], None]
ONE, TWO, THREE = Record(1, "one"), Record(2, "two"), Record(3, "three")
BOTH = frozenset({ONE.found, TWO.found})
GOOD, BAD = Answer(Outcome.ACKNOWLEDGED), Answer(Outcome.FAILED, "503")
WRITTEN = Attempt(0.0, 0.0, 0.1, "core1", What.WRITE, GOOD, ONE)
REACHED = (Attempt(0.0, 0.0, 0.1, "core1", What.GREETING, GOOD),)
AWAY = (
    Attempt(1.0, 1.0, 1.1, "core2", What.READ, BAD),
    Attempt(7.0, 7.0, 7.1, "core2", What.READ, GOOD),
)


SWAP = (Placement("core3", "core4"), Placement("core4", "core3"))
# What a behaviour is about, where a swap is not its case.
CASES = {
    "KeepsSnapshotsOnItsMaster": (Placement("core3", "core4"), Placement("core4")),
    "LeavesSnapshotsAlone": (Placement("core3", "core4"), NOWHERE),
    "IsForgottenByConsul": (Placement("core3", "core4"), NOWHERE),
    "IsNotFoundThroughAnyNode": (Placement("core3", "core4"), NOWHERE),
}
ADDED, REMOVED = "ledgerb133cca_data", "ledgerb133cca_drafts"


def settled_for(behaviour: str, directory: Path) -> SimpleNamespace:
    """Make what a given leaves for the sentences after a switch that went well."""
    definition = parse_definition(COMPOSE)
    before, after = CASES.get(behaviour, SWAP)
    expectation = Expectation(
        Application("http://f/git/ledger", "b1"),
        definition,
        after,
        History("e2", before, definition, "e1"),
        an_inventory(directory),
    )
    expected = expectation.observation({"app": "ledgerb1_app_1"})
    shown = replace(
        expected,
        registrations=frozenset(
            replace(registration, checks=(Check("http://x", "passing"),))
            for registration in expected.registrations
        ),
    )
    content = Content(3, "abc")
    return SimpleNamespace(
        before=before,
        after=after,
        expected=expected,
        observed=expected,
        shown=shown,
        haproxy_complaints=dict.fromkeys(NODES, ""),
        written=(ONE,),
        written_after=(TWO,),
        unacknowledged=(THREE,),
        statement=Statement((WRITTEN, *REACHED)),
        writes=Writes((), (), (), ()),
        lost_traces=(),
        budget=5.0,
        cached=b"on core3",
        served=dict.fromkeys(NODES, Served(None, BOTH, BOTH, None)),
        replicated={ADDED: Replicated(content, content)},
        departed=dict.fromkeys(NODES, Departed((503, b"none"), (503, b"none"), refuses_ssh=True)),
        volumes_added=frozenset({ADDED}),
        volumes_removed=frozenset({REMOVED}),
        listed="",
    )


@pytest.fixture
def settled(tmp_path: Path) -> SimpleNamespace:
    return settled_for("a swap", tmp_path)


def on(node: str, **changes: object) -> Break:
    """Make a break: what one node shows instead."""

    def change(spec: SimpleNamespace) -> None:
        view = replace(spec.observed.nodes[node], **changes)
        spec.observed = replace(spec.observed, nodes={**spec.observed.nodes, node: view})
        spec.shown = replace(spec.shown, nodes={**spec.shown.nodes, node: view})

    return change


def everywhere(**changes: object) -> Break:
    def change(spec: SimpleNamespace) -> None:
        spec.observed = replace(spec.observed, **changes)
        spec.shown = replace(spec.shown, **changes)

    return change


def complaint(spec: SimpleNamespace) -> None:
    spec.haproxy_complaints["core2"] = "exit code 1: no such backend"


def serving(node: str, **changes: object) -> Break:
    """Make a break: what one node serves instead."""

    def change(spec: SimpleNamespace) -> None:
        spec.served[node] = replace(spec.served[node], **changes)

    return change


def departing(node: str, **changes: object) -> Break:
    """Make a break: what one node says of an application that is gone."""

    def change(spec: SimpleNamespace) -> None:
        spec.departed[node] = replace(spec.departed[node], **changes)

    return change


def setting(**changes: object) -> Break:
    return lambda spec: vars(spec).update(changes)


NONE: frozenset[object] = frozenset()
ROUTE = Route("http-in", "http", ("80",), "app.cluster.test", "10.0.0.9:80")
BREAKS = {
    ("RunsOnItsMaster", "should_run_its_containers_on_the_master"): (
        on("core4", containers=frozenset({Container("app", "x", "exited", "forge:5000/app:1")})),
        ("core4", "expected, not found", "running", "found, not expected", "exited"),
    ),
    ("RunsOnItsMaster", "should_have_its_volumes_on_the_master_with_their_drivers"): (
        on("core4", volumes=frozenset({Volume("ledgerb1_data", "local")})),
        ("core4", "buttervolume", "local"),
    ),
    ("RunsOnItsMaster", "should_have_its_btrfs_volumes_on_the_master"): (
        on("core4", btrfs_volumes=NONE),
        ("core4", "expected, not found", "_data"),
    ),
    ("RunsOnItsMaster", "should_have_the_checkout_of_this_deploy_alone_on_the_master"): (
        on("core4", checkouts=frozenset({"ledger_b1-e1", "ledger_b1-e2"})),
        ("core4", "found, not expected", "ledger_b1-e1"),
    ),
    ("ReplicatesToItsSlave", "should_schedule_purge_and_replication_on_the_master"): (
        on("core4", schedules=frozenset({Schedule("v", "replicate:10.0.0.1", 60)})),
        ("core4", "replicate:10.0.0.3", "replicate:10.0.0.1"),
    ),
    ("ReplicatesToItsSlave", "should_schedule_purge_alone_on_the_slave"): (
        on("core3", schedules=NONE),
        ("core3", "expected, not found", "purge"),
    ),
    ("ReplicatesToItsSlave", "should_hold_the_snapshots_that_the_switch_needed"): (
        on("core3", snapshots=NONE),
        ("core3", "snapshots", "expected, not found"),
    ),
    ("ReplicatesToItsSlave", "should_have_the_checkout_of_this_deploy_alone_on_the_slave"): (
        on("core3", checkouts=frozenset({"old"})),
        ("core3", "found, not expected: old"),
    ),
    ("ReplicatesToItsSlave", "should_run_nothing_on_the_slave"): (
        on("core3", containers=frozenset({Container("app", "left", "running", "i")})),
        ("core3", "found, not expected", "left"),
    ),
    ("ReplicatesToItsSlave", "should_have_no_volume_on_the_slave"): (
        on("core3", btrfs_volumes=frozenset({"left"})),
        ("core3", "found, not expected: left"),
    ),
    ("LeavesNothingBehind", "should_leave_nothing_on_nodes_without_a_role"): (
        on("core1", checkouts=frozenset({"left"})),
        ("core1", "expected", "found", "left"),
    ),
    ("IsKnownToConsul", "should_have_a_record_of_this_deploy"): (
        lambda spec: everywhere(record={**spec.observed.record, "ip": "10.0.0.9"})(spec),
        ("record", "ip", "expected: '10.0.0.4'", "found:    '10.0.0.9'"),
    ),
    ("IsKnownToConsul", "should_have_left_maintenance"): (
        everywhere(maintenance=True),
        ("consul", "maintenance", "expected: False", "found:    True"),
    ),
    ("IsKnownToConsul", "should_be_registered_on_its_master_alone"): (
        everywhere(registrations=frozenset({Registration("core3", ())})),
        ("consul", "expected, not found", "core4", "found, not expected", "core3"),
    ),
    ("PassesItsHealthChecks", "should_pass_its_health_checks"): (
        everywhere(registrations=frozenset({Registration("core4", (Check("u", "critical"),))})),
        ("consul", "found, not expected", "critical"),
    ),
    ("RoutesThroughEveryNode", "should_route_to_the_master_on_every_node"): (
        on("core2", routes=frozenset({ROUTE})),
        ("core2", "expected, not found", "10.0.0.4:80", "found, not expected", "10.0.0.9:80"),
    ),
    (
        "RoutesThroughEveryNode",
        "should_have_a_configuration_that_haproxy_accepts_on_every_node",
    ): (complaint, ("core2", "no such backend")),
    ("RoutesThroughEveryNode", "should_have_its_sites_in_the_caddy_of_the_master_alone"): (
        on("core1", sites=frozenset({Site("app.cluster.test", "left:8000")})),
        ("core1", "found, not expected", "left:8000"),
    ),
}
BREAKS |= {
    ("ServesThroughEveryNode", "should_accept_a_write_through_every_node"): (
        serving("core2", refusal=Unavailable("503")),
        ("core2", "expected: None", "503"),
    ),
    ("ServesThroughEveryNode", "should_show_all_records_over_http_through_every_node"): (
        serving("core2", records=frozenset({ONE.found})),
        ("core2", "expected, not found", "two"),
    ),
    ("ServesThroughEveryNode", "should_show_all_files_over_ssh_through_every_node"): (
        serving("core2", files=Unavailable("refused")),
        ("core2", "expected", "two", "found", "refused"),
    ),
    ("KeepsItsData", "should_have_every_record_from_before_the_switch"): (
        serving("core2", records=frozenset({replace(ONE.found, text="other"), TWO.found})),
        ("core2", "expected, not found", "one", "found, not expected", "other"),
    ),
    ("KeepsItsData", "should_have_every_file_from_before_the_switch"): (
        serving("core2", files=frozenset({TWO.found})),
        ("core2", "expected, not found", "one"),
    ),
    (
        "KeepsItsData",
        "should_keep_the_cache_where_the_master_stays_and_lose_it_elsewhere",
    ): (serving("core2", cache=b"on core3"), ("core2", "expected: None", "found:    b'on core3'")),
}
BREAKS |= {
    ("EnduresItsSwitch", "should_lose_no_write_that_was_acknowledged_meanwhile"): (
        setting(
            writes=Writes((Difference(Change.LOST, "1", ONE.found),), (), (), ()),
            lost_traces=(Trace("1", taken=False, received=None, restored=None),),
        ),
        ("record 1 is lost", "last snapshot: NO"),
    ),
    ("EnduresItsSwitch", "should_hold_nothing_that_was_refused_or_never_written"): (
        setting(writes=Writes((), (), (), (Difference(Change.UNEXPECTED, "9", found=TWO.found),))),
        ("record 9 is unexpected",),
    ),
    ("EnduresItsSwitch", "should_be_away_no_longer_than_its_budget"): (
        setting(statement=Statement((WRITTEN, *REACHED, *AWAY))),
        ("core2: seconds away over http", "expected: 'at most 5'", "6.00 s"),
    ),
    (
        "ReplicatesToItsSlave",
        "should_deliver_a_snapshot_taken_now_that_restores_to_the_same_content",
    ): (
        setting(replicated={ADDED: Replicated(Content(3, "abc"), Content(2, "cba"))}),
        (ADDED, "expected: Content(files=3", "found:    Content(files=2"),
    ),
    ("KeepsSnapshotsOnItsMaster", "should_schedule_purge_and_snapshots_on_the_master"): (
        on("core4", schedules=frozenset({Schedule("v", "replicate:10.0.0.3", 60)})),
        ("core4", "expected, not found", "snapshot", "found, not expected", "replicate"),
    ),
    (
        "KeepsSnapshotsOnItsMaster",
        "should_hold_the_snapshots_that_the_switch_needed_on_the_master",
    ): (on("core4", snapshots=NONE), ("core4", "expected, not found", ADDED)),
    ("LeavesSnapshotsAlone", "should_leave_nothing_but_snapshots_on_any_node"): (
        on("core1", routes=frozenset({ROUTE})),
        ("core1", "everything", "10.0.0.9:80"),
    ),
    (
        "LeavesSnapshotsAlone",
        "should_keep_a_last_snapshot_of_each_volume_on_its_old_master",
    ): (on("core3", snapshots=NONE), ("core3", "expected, not found", ADDED)),
    ("IsForgottenByConsul", "should_have_no_record"): (
        everywhere(record={"branch": "b1"}),
        ("consul", "record", "expected: None", "b1"),
    ),
    ("IsForgottenByConsul", "should_have_no_maintenance_flag"): (
        everywhere(maintenance=True),
        ("consul", "maintenance", "found:    True"),
    ),
    ("IsForgottenByConsul", "should_have_no_service"): (
        everywhere(registrations=frozenset({Registration("core3", ())})),
        ("consul", "found, not expected", "core3"),
    ),
    (
        "IsNotFoundThroughAnyNode",
        "should_be_answered_over_http_as_a_domain_that_nobody_has",
    ): (departing("core2", answer=(200, b"here")), ("core2", "expected: (503", "found:    (200")),
    ("IsNotFoundThroughAnyNode", "should_be_refused_over_ssh"): (
        departing("core2", refuses_ssh=False),
        ("core2", "expected: True", "found:    False"),
    ),
    ("ChangesItsVolumes", "should_create_the_volume_that_was_added_on_the_master"): (
        on("core4", volumes=NONE),
        ("core4", "expected, not found", ADDED),
    ),
    ("ChangesItsVolumes", "should_find_the_volume_that_was_added_empty"): (
        setting(listed="note"),
        ("new volume", "expected: ''", "found:    'note'"),
    ),
    ("ChangesItsVolumes", "should_have_removed_the_other_volume_from_every_node"): (
        on("core2", btrfs_volumes=frozenset({REMOVED})),
        ("core2", "found, not expected", REMOVED),
    ),
    (
        "SchedulesItsChangedVolumes",
        "should_schedule_purge_and_copies_of_the_volume_that_was_added",
    ): (on("core4", schedules=NONE), ("core4", "expected, not found", "replicate")),
    (
        "SchedulesItsChangedVolumes",
        "should_schedule_the_volume_that_was_removed_nowhere",
    ): (
        on("core3", schedules=frozenset({Schedule(REMOVED, "purge:1h", 1440)})),
        ("core3", "found, not expected", REMOVED),
    ),
}
SENTENCES = [
    (name, sentence.name)
    for name in behaviours.__all__
    if isinstance(getattr(behaviours, name), type)
    for sentence in methods_of(getattr(behaviours, name))
]


# Sentences that are content where Consul holds nothing, or where a directory is empty.
ASK_FOR_NOTHING = {
    "should_have_left_maintenance",
    "should_have_no_record",
    "should_have_no_maintenance_flag",
    "should_have_no_service",
    "should_find_the_volume_that_was_added_empty",
}


def ask(spec: SimpleNamespace, behaviour: str, sentence: str) -> None:
    getattr(getattr(behaviours, behaviour), sentence)(spec)


@pytest.mark.parametrize("behaviour", sorted({name for name, _ in SENTENCES}))
def test_can_be_lent_to_a_spec(behaviour: str) -> None:
    behaves_like(getattr(behaviours, behaviour))(type("Leaf", (AnApplicationWithANewVersion,), {}))


def test_a_break_is_known_for_every_sentence() -> None:
    assert sorted(SENTENCES) == sorted(BREAKS)


@pytest.mark.parametrize(("behaviour", "sentence"), SENTENCES)
def test_holds_when_the_cluster_shows_what_is_expected(
    tmp_path: Path, behaviour: str, sentence: str
) -> None:
    settled = settled_for(behaviour, tmp_path)
    ask(settled, behaviour, sentence)


@pytest.mark.parametrize(("behaviour", "sentence"), SENTENCES)
def test_fails_and_says_node_expected_and_found(
    tmp_path: Path, behaviour: str, sentence: str
) -> None:
    settled = settled_for(behaviour, tmp_path)
    break_it, words = BREAKS[behaviour, sentence]
    break_it(settled)
    with pytest.raises(AssertionError) as failure:
        ask(settled, behaviour, sentence)
    message = str(failure.value)
    for word in words:
        assert word in message, message


@pytest.mark.parametrize(
    ("behaviour", "sentence"),
    [one for one in SENTENCES if one[1] not in ASK_FOR_NOTHING],
)
def test_no_sentence_holds_over_nothing(tmp_path: Path, behaviour: str, sentence: str) -> None:
    """An observation of no nodes, and nothing in Consul, must satisfy nobody."""
    settled = settled_for(behaviour, tmp_path)
    settled.expected = settled.observed = settled.shown = Observation({})
    settled.haproxy_complaints = settled.served = settled.replicated = settled.departed = {}
    settled.statement, settled.writes = Statement(()), None
    with pytest.raises((AssertionError, KeyError)):
        ask(settled, behaviour, sentence)


def test_the_cache_is_expected_where_the_master_stays(settled: SimpleNamespace) -> None:
    settled.before = settled.after
    sentence = "should_keep_the_cache_where_the_master_stays_and_lose_it_elsewhere"
    with pytest.raises(AssertionError, match="expected: b'on core3'"):
        ask(settled, "KeepsItsData", sentence)


@pytest.mark.parametrize(
    "sentence",
    [
        "should_have_every_record_from_before_the_switch",
        "should_have_every_file_from_before_the_switch",
    ],
)
def test_data_is_not_kept_where_none_was_written(settled: SimpleNamespace, sentence: str) -> None:
    settled.written = ()
    with pytest.raises(AssertionError, match="nothing was written"):
        ask(settled, "KeepsItsData", sentence)


def test_a_missing_node_is_a_failure() -> None:
    with pytest.raises(AssertionError, match="core2"):
        assert_each_same("routes", {"core1": 1, "core2": 1}, {"core1": 1})


def test_nodes_without_a_role_are_all_the_others() -> None:
    assert without_role(Placement("core1", "core2"), NODES) == ("core3", "core4")
    assert without_role(Placement("core1"), NODES) == NODES[1:]
    assert without_role(Placement(), NODES) == NODES


class Polite:
    name: str

    def should_greet(self) -> None:
        assert self.name


class TestLending:
    def test_a_sentence_is_put_onto_the_class_itself(self) -> None:
        @behaves_like(Polite)
        class Leaf:
            name = "x"

        assert vars(Leaf)["should_greet"] is Polite.should_greet

    def test_what_a_behaviour_needs_must_be_there(self) -> None:
        with pytest.raises(UsageError, match="Polite needs name of Leaf"):

            @behaves_like(Polite)
            class Leaf:
                pass

    def test_an_annotation_of_a_base_provides_it(self) -> None:
        class Base:
            name: str

        @behaves_like(Polite)
        class Leaf(Base):
            pass

        assert "should_greet" in vars(Leaf)

    def test_two_sentences_of_one_name_are_refused(self) -> None:
        with pytest.raises(UsageError, match="Leaf has should_greet already"):

            @behaves_like(Polite, Polite)
            class Leaf:
                name = "x"

    def test_a_behaviour_without_sentences_is_refused(self) -> None:
        class Empty:
            pass

        with pytest.raises(UsageError, match="Empty has no sentence"):
            behaves_like(Empty)(type("Leaf", (), {}))

    def test_a_behaviour_with_a_given_is_refused(self) -> None:
        class Doing:
            def given_something(self) -> None:
                pass

            def should_x(self) -> None:
                assert self

        with pytest.raises(UsageError, match=r"Doing\.given_something is no sentence"):
            behaves_like(Doing)(type("Leaf", (), {}))

    def test_a_behaviour_that_would_run_as_a_spec_is_refused(self) -> None:
        class SpecialBehaviour:
            def should_x(self) -> None:
                assert self

        class MySpec:
            def should_x(self) -> None:
                assert self

        with pytest.raises(UsageError, match="makes Contexts run it"):
            behaves_like(MySpec)(type("Leaf", (), {}))
        with pytest.raises(UsageError, match="makes Contexts run it"):
            behaves_like(SpecialBehaviour)(type("Leaf", (), {}))
