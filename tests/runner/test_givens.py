"""The base contexts over a cluster of paper: what they keep, and how their cleanup ends."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest
from paper import (
    NODES,
    PaperCluster,
    PaperPublication,
    PaperRecorder,
    PaperWitness,
    an_inventory,
    beside,
    in_turn,
    keep_on_paper,
)

from cluster_tests.effort import Effort
from cluster_tests.errors import FrontError, HarnessError, NodeError, NotSettledError
from cluster_tests.givens import applications
from cluster_tests.givens.applications import AnApplication, ARunningApplication
from cluster_tests.journal import Journal
from cluster_tests.model import NOWHERE, Placement
from cluster_tests.plugin.interrupts import Interrupted
from cluster_tests.results.switch_log import SwitchLog
from cluster_tests.results.values import Writes
from cluster_tests.results.verdict import Verdict
from cluster_tests.session import current
from cluster_tests.tenancy.served import Unavailable
from cluster_tests.timeline.layers import Layer

if TYPE_CHECKING:
    from pathlib import Path

    from cluster_tests.fronts.ledger import Found, Record


class PaperLedger:
    """One node's way to a store that all nodes share."""

    def __init__(self, store: dict[int, Record], cluster: PaperCluster) -> None:
        self._store = store
        self._cluster = cluster
        self.cached: bytes | None = None

    def write(self, record: Record) -> None:
        self._cluster.note("write", record.id)
        self._store[record.id] = record

    def read_all(self) -> tuple[Found, ...]:
        return tuple(record.found for record in self._store.values())

    def read_files(self) -> tuple[Found, ...]:
        self._cluster.note("read_files")
        return self.read_all()

    def read_cache(self) -> bytes | None:
        return self.cached

    def write_cache(self, content: bytes) -> None:
        self.cached = content


class Swapped(ARunningApplication):
    before = Placement("core1", "core2")
    after = Placement("core2", "core1")


class Deployed(AnApplication):
    before = NOWHERE
    after = Placement("core1", "core2")


@pytest.fixture
def cluster() -> PaperCluster:
    return PaperCluster()


@pytest.fixture
def session(
    cluster: PaperCluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> SimpleNamespace:
    store: dict[int, Record] = {}

    keep_on_paper(cluster, monkeypatch)
    current.begin("Swapped")
    paper = SimpleNamespace(
        cluster=cluster,
        has_evidence=False,
        evidence_directory=lambda what: tmp_path / what,
        inventory=an_inventory(tmp_path),
        inventory_path=tmp_path / "inventory.yaml",
        journal=Journal(tmp_path / "journal.jsonl"),
        keep=False,
        effort=Effort(),
        switches=SwitchLog(),
        admit=lambda _guest: None,
        plan=lambda *_wanted: PaperPublication(cluster),
        ledgers=lambda _publication: {node: PaperLedger(store, cluster) for node in NODES},
        side_by_side=in_turn,
        meanwhile=beside,
        answers=in_turn,
        haproxy_complaints=lambda: dict.fromkeys(NODES, ""),
    )
    monkeypatch.setattr(applications, "witness_of", PaperWitness)
    monkeypatch.setattr(applications, "Recorder", PaperRecorder)
    monkeypatch.setattr(current, "session", lambda: paper)
    monkeypatch.setattr(current, "opened", lambda: paper)
    return paper


def given(context: AnApplication) -> None:
    """Run the givens as Contexts does: base first."""
    context.given_a_published_application()
    if isinstance(context, ARunningApplication):
        context.given_a_running_application_with_records()


@pytest.mark.usefixtures("session")
def test_a_record_is_written_through_every_node_before_and_after_the_switch() -> None:
    context = Swapped()
    given(context)
    context.switch()
    # Four before the switch; of the witness's three, the second was refused.
    assert [one.id for one in context.written] == [1, 2, 3, 4, 5, 7]
    assert [one.id for one in context.unacknowledged] == [6]
    assert context.writes is not None
    assert [one.id for one in context.writes.recovered] == [7]
    assert [one.id for one in context.written_after] == [8, 9, 10, 11]
    everything = frozenset(one.found for one in context.written + context.written_after)
    assert set(context.served) == set(NODES)
    for served in context.served.values():
        assert served.records == served.files == everything


def test_each_switch_is_told_to_whoever_keeps_results(session: SimpleNamespace) -> None:
    context = Swapped()
    given(context)
    context.switch()
    [_, (told, events)] = session.switches.take()
    assert (told.label, told.kind, told.settled) == ("core1/core2 => core2/core1", "swap", True)
    assert told.started > "2026"  # the time of day, not the clock that waits are measured by
    assert told.writes == Writes(3, acknowledged=1, failed=1, unknown=1, lost=0, recovered=1)
    assert told.downtime is not None
    assert told.downtime["http"].budget == 30.0
    assert told.verdict is Verdict.PASS
    layers = {event.layer for event in events}
    assert layers == {Layer.EVENT, Layer.SPEC, Layer.AGENT, Layer.WITNESS}
    assert context.budget == 30.0


@pytest.mark.usefixtures("session")
def test_a_first_deploy_finds_no_record_and_is_written_to_afterwards(
    cluster: PaperCluster,
) -> None:
    context = Deployed()
    given(context)
    assert cluster.names == ["publish"]
    context.switch()
    assert context.written == ()
    assert len(context.written_after) == len(NODES)
    assert context.cached is None


@pytest.mark.usefixtures("session")
def test_what_the_oracle_expects_is_kept_beside_what_was_shown(cluster: PaperCluster) -> None:
    context = Swapped()
    given(context)
    context.switch()
    assert context.shown is cluster.shows
    assert set(context.expected.nodes) == set(NODES)
    assert context.expected.record is not None
    assert context.expected.record["master"] == "core2"


@pytest.mark.usefixtures("session")
def test_a_first_placement_that_does_not_settle_fails_the_given(cluster: PaperCluster) -> None:
    cluster.fails["settle"] = NotSettledError("late")
    context = Swapped()
    with pytest.raises(NotSettledError, match="late"):
        given(context)


@pytest.mark.usefixtures("session")
def test_a_switch_that_does_not_settle_lets_the_sentences_speak_and_fails_in_the_cleanup(
    cluster: PaperCluster,
) -> None:
    context = Swapped()
    given(context)
    cluster.fails["settle"] = NotSettledError("late")
    context.switch()
    assert context.shown is cluster.shows
    cluster.fails.clear()
    with pytest.raises(NotSettledError, match="late"):
        context.cleanup_what_was_created()
    assert cluster.names[-2:] == ["withdraw", "remove_snapshots"]


@pytest.mark.usefixtures("session")
def test_a_front_that_refuses_is_a_value_and_a_broken_harness_is_not(
    cluster: PaperCluster,
) -> None:
    context = Swapped()
    given(context)
    cluster.fails["read_files"] = FrontError("core3", "refused")
    context.switch()
    assert context.served["core3"].files == Unavailable("core3: refused")
    cluster.fails["read_files"] = NodeError("core3", "the tunnel broke")
    with pytest.raises(NodeError, match="the tunnel broke"):
        context.switch()


@pytest.mark.usefixtures("session")
def test_evidence_of_a_failure_is_collected_before_anything_is_removed(
    cluster: PaperCluster,
) -> None:
    context = Swapped()
    given(context)
    context.switch()
    current.scenario().troubled = True  # as the plugin does when a sentence fails
    context.cleanup_what_was_created()
    assert cluster.names.index("evidence of Swapped: b1") < cluster.names.index("destroy")


@pytest.mark.usefixtures("session")
def test_of_what_passed_no_evidence_is_collected(cluster: PaperCluster) -> None:
    context = Swapped()
    given(context)
    context.switch()
    context.cleanup_what_was_created()
    assert not [name for name in cluster.names if name.startswith("evidence")]


@pytest.mark.usefixtures("session")
def test_somebody_who_interrupts_does_not_wait_for_evidence(cluster: PaperCluster) -> None:
    context = Swapped()
    given(context)

    def run_as_contexts_does() -> None:
        try:
            raise Interrupted
        finally:
            context.cleanup_what_was_created()

    with pytest.raises(Interrupted):
        run_as_contexts_does()
    assert not [name for name in cluster.names if name.startswith("evidence")]
    assert cluster.names[-2:] == ["withdraw", "remove_snapshots"]


@pytest.mark.usefixtures("session")
def test_evidence_that_cannot_be_collected_is_a_note_of_the_first_error(
    cluster: PaperCluster,
) -> None:
    context = Swapped()
    given(context)
    cluster.fails["settle"] = NotSettledError("late")
    context.switch()
    cluster.fails = {"evidence of Swapped: b1": OSError("no room")}
    with pytest.raises(NotSettledError, match="late") as caught:
        context.cleanup_what_was_created()
    assert any("no room" in note for note in caught.value.__notes__)
    assert cluster.names[-2:] == ["withdraw", "remove_snapshots"]


@pytest.mark.usefixtures("session")
def test_the_cleanup_does_not_mask_the_first_error(cluster: PaperCluster) -> None:
    context = Swapped()
    cluster.fails["settle"] = NotSettledError("the first error")
    cluster.fails["withdraw"] = HarnessError("the forge is gone")

    def run_as_contexts_does() -> None:
        try:
            given(context)
        finally:
            context.cleanup_what_was_created()

    with pytest.raises(NotSettledError, match="the first error") as caught:
        run_as_contexts_does()
    assert any("the forge is gone" in note for note in caught.value.__notes__)


@pytest.mark.usefixtures("session")
def test_an_error_of_the_cleanup_alone_is_raised(cluster: PaperCluster) -> None:
    context = Swapped()
    given(context)
    context.switch()
    cluster.fails["withdraw"] = HarnessError("the forge is gone")
    with pytest.raises(HarnessError, match="the forge is gone"):
        context.cleanup_what_was_created()
    context.cleanup_what_was_created()  # a second time there is nothing to do


def test_without_a_session_there_is_nothing_to_clean_up(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> None:
        raise HarnessError("no cluster")

    monkeypatch.setattr(current, "session", refuse)
    context = Deployed()
    with pytest.raises(HarnessError, match="no cluster"):
        given(context)
    context.cleanup_what_was_created()


def test_with_keep_everything_is_left_and_said_how_to_look(
    session: SimpleNamespace, cluster: PaperCluster, capsys: pytest.CaptureFixture[str]
) -> None:
    session.keep = True
    context = Deployed()
    given(context)
    context.switch()
    cluster.asked.clear()
    context.cleanup_what_was_created()
    assert cluster.asked == []
    assert len(session.journal.left()) == 1
    said = capsys.readouterr().out
    assert "kept: ledger_b1" in said
    assert "docker ps --all --filter label=com.docker.compose.project=ledgerb1" in said
    assert "consul event -name=destroy" in said
