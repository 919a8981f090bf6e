"""An application's life on a cluster of paper: what is asked of it, and in which order."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest
from paper import FREE, PaperCluster, PaperPublication, in_turn

from cluster_tests.effort import Effort
from cluster_tests.errors import HarnessError, NodeError, NotSettledError, RefusedError
from cluster_tests.journal import Journal
from cluster_tests.model import NOWHERE, NodeView, Observation, Placement, Registration
from cluster_tests.results.switch_log import SwitchLog
from cluster_tests.tenancy.tenant import Tenant
from cluster_tests.tenancy.traces import traces

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

PAIR = Placement("core1", "core2")
SWAPPED = Placement("core2", "core1")


@pytest.fixture
def cluster() -> PaperCluster:
    return PaperCluster()


@pytest.fixture
def session(cluster: PaperCluster, tmp_path: Path) -> SimpleNamespace:
    guests: list[Tenant] = []
    return SimpleNamespace(
        cluster=cluster,
        inventory=SimpleNamespace(),
        inventory_path=tmp_path / "inventory.yaml",
        journal=Journal(tmp_path / "journal.jsonl"),
        keep=False,
        effort=Effort(),
        side_by_side=in_turn,
        switches=SwitchLog(),
        guests=guests,
        admit=guests.append,
    )


@pytest.fixture
def tenant(session: SimpleNamespace, cluster: PaperCluster) -> Tenant:
    return Tenant(session, PaperPublication(cluster))  # type: ignore[arg-type]


BREAKS: list[tuple[str, Callable[[], Observation]]] = [
    ("a record in Consul", lambda: replace(FREE, record={})),
    ("a maintenance flag", lambda: replace(FREE, maintenance=True)),
    (
        "a service in Consul",
        lambda: replace(FREE, registrations=frozenset({Registration("core1", ())})),
    ),
    (
        "snapshots on core2",
        lambda: Observation({"core2": NodeView(snapshots=frozenset({"v@1"}))}),
    ),
    (
        "checkouts on core1",
        lambda: Observation({"core1": NodeView(checkouts=frozenset({"old"}))}),
    ),
]


@pytest.mark.parametrize(("trace", "make"), BREAKS)
def test_a_name_that_is_in_use_is_refused_and_left_alone(
    tenant: Tenant,
    session: SimpleNamespace,
    cluster: PaperCluster,
    trace: str,
    make: Callable[[], Observation],
) -> None:
    cluster.shows = make()
    with pytest.raises(RefusedError, match=trace):
        tenant.move_in()
    tenant.leave()
    assert cluster.asked == []
    assert session.journal.left() == {}
    assert session.guests == []


def test_a_free_name_has_no_traces() -> None:
    assert traces(FREE) == []


def test_the_journal_knows_before_anything_is_created(
    tenant: Tenant, session: SimpleNamespace, cluster: PaperCluster
) -> None:
    cluster.fails["publish"] = NodeError("forge", "down")
    with pytest.raises(NodeError):
        tenant.move_in()
    [claim] = session.journal.left().values()
    assert (claim.repo_url, claim.branch) == ("http://forge/git/ledger", "b1")
    assert session.guests == [tenant]


def test_a_move_carries_the_history_that_the_oracle_needs(
    tenant: Tenant, cluster: PaperCluster
) -> None:
    tenant.move_in()
    tenant.move(PAIR)
    moved = tenant.move(SWAPPED)
    assert moved.failure is None
    assert str(moved.switch) == "core1/core2 => core2/core1"
    history = moved.expectation.history
    assert history.before == PAIR
    assert history.old == PaperPublication.definition
    assert (history.previous_deploy_id, history.event_id) == ("e2", "e4")
    assert cluster.names == ["publish", "deploy", "settle", "deploy", "settle"]


def test_after_a_destroy_there_is_no_earlier_deploy(tenant: Tenant, cluster: PaperCluster) -> None:
    tenant.move_in()
    tenant.move(PAIR)
    tenant.move(NOWHERE)
    moved = tenant.move(PAIR)
    assert moved.expectation.history.previous_deploy_id is None
    assert "destroy" in cluster.names


def test_a_cluster_that_does_not_settle_is_shown_as_it_is(
    tenant: Tenant, cluster: PaperCluster, capsys: pytest.CaptureFixture[str]
) -> None:
    tenant.move_in()
    objection = "core1's agent: e2 is not to my liking"
    cluster.fails["settle"] = NotSettledError("late", objections=[objection])
    moved = tenant.move(PAIR)
    assert moved.failure is cluster.fails["settle"]
    assert moved.shown is cluster.shows
    first, why = capsys.readouterr().out.splitlines()
    assert "nowhere => core1/core2: NOT settled" in first
    event = moved.expectation.history.event_id
    assert why.strip() == f"core1's agent: {event} is not to my liking"


def test_a_late_notice_tells_what_was_missing_until_then(
    tenant: Tenant, cluster: PaperCluster, capsys: pytest.CaptureFixture[str]
) -> None:
    tenant.move_in()
    tenant.move(PAIR)
    assert "noticed late" not in capsys.readouterr().out
    cluster.unannounced = "core3: the routes"
    tenant.move(PAIR)
    assert "told of the last change:\n    core3: the routes\n" in capsys.readouterr().out


def test_leaving_waits_destroys_removes_snapshots_and_withdraws_once(
    tenant: Tenant, session: SimpleNamespace, cluster: PaperCluster
) -> None:
    tenant.move_in()
    tenant.move(PAIR)
    cluster.asked.clear()
    tenant.leave()
    tenant.leave()
    assert cluster.names == ["await_handled", "destroy", "settle", "withdraw", "remove_snapshots"]
    assert session.journal.left() == {}


def test_leaving_half_way_through_the_given_removes_what_there_is(
    tenant: Tenant, session: SimpleNamespace, cluster: PaperCluster
) -> None:
    tenant.move_in()
    tenant.leave()
    assert cluster.names == ["publish", "withdraw"]
    assert session.journal.left() == {}


def test_leaving_without_having_moved_in_does_nothing(
    tenant: Tenant, cluster: PaperCluster
) -> None:
    tenant.leave()
    assert cluster.asked == []


def test_leaving_after_a_destroy_does_not_destroy_again(
    tenant: Tenant, cluster: PaperCluster
) -> None:
    tenant.move_in()
    tenant.move(PAIR)
    tenant.move(NOWHERE)
    cluster.asked.clear()
    tenant.leave()
    assert cluster.names == ["await_handled", "withdraw", "remove_snapshots"]


def test_a_destroy_that_did_not_settle_is_tried_again(
    tenant: Tenant, cluster: PaperCluster
) -> None:
    tenant.move_in()
    tenant.move(PAIR)
    cluster.fails["settle"] = NotSettledError("late")
    tenant.move(NOWHERE)
    cluster.fails.clear()
    cluster.asked.clear()
    tenant.leave()
    assert "destroy" in cluster.names


@pytest.mark.parametrize(
    "step", ["await_handled", "destroy", "settle", "remove_snapshots", "withdraw"]
)
def test_every_step_of_leaving_is_tried_and_the_journal_keeps_what_is_left(
    tenant: Tenant, session: SimpleNamespace, cluster: PaperCluster, step: str
) -> None:
    tenant.move_in()
    tenant.move(PAIR)
    cluster.asked.clear()
    cluster.fails[step] = HarnessError("no answer")
    with pytest.raises(HarnessError):
        tenant.leave()
    assert cluster.names[0] == "await_handled"
    assert cluster.names[-2:] == ["withdraw", "remove_snapshots"]
    assert len(session.journal.left()) == 1


def test_the_first_error_of_leaving_is_raised_with_the_others_as_notes(
    tenant: Tenant, cluster: PaperCluster
) -> None:
    tenant.move_in()
    tenant.move(PAIR)
    cluster.fails["withdraw"] = NodeError("forge", "first")
    cluster.fails["remove_snapshots"] = NodeError("core1", "second")
    with pytest.raises(NodeError, match="first") as caught:
        tenant.leave()
    assert any("core1: second" in note for note in caught.value.__notes__)
