"""What killed runs left is removed by its exact names, and nothing else is."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from cluster_tests.cleaning import _require_known, is_left
from cluster_tests.errors import HarnessError, NotSettledError, UsageError
from cluster_tests.journal import Claim, Journal
from cluster_tests.model import Application, NodeView, Observation
from cluster_tests.tenancy.leftovers import remove_leftovers

if TYPE_CHECKING:
    from collections.abc import Callable

GONE = Claim("/a/inventory.yaml", "http://forge/git/ledger", "gone", process=0)
OTHER = replace(GONE, branch="other")


class PaperCluster:
    """Writes down what it is asked, and shows what is still there."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.shown = NodeView()
        self.consul = self.publisher = self

    def destroy(self, application: Application) -> str:
        self.asked.append(f"destroy {application.branch}")
        return "an-id"

    def await_handled(self, event: str) -> None:
        assert event == "an-id"
        self.asked.append("await")

    def set_maintenance(self, _application: Application, *, up: bool) -> None:
        assert not up
        self.asked.append("lower the flag")

    def remove_snapshots(self, _application: Application) -> None:
        self.asked.append("remove snapshots")

    def observe(self, _footprint: object) -> Observation:
        return Observation({"core1": self.shown})

    def await_shown(
        self, footprint: object, missing: Callable[[Observation], str], what: str
    ) -> None:
        self.asked.append("await that it is gone")
        reason = missing(self.observe(footprint))
        if reason:
            raise NotSettledError(
                f"{what}: not within 60 s (2 looks); the last one found:\n{reason}", reason=reason
            )

    def withdraw_leftover(self, application: Application) -> None:
        self.asked.append(f"withdraw {application.branch}")


@pytest.fixture
def cluster() -> PaperCluster:
    return PaperCluster()


@pytest.fixture
def session(cluster: PaperCluster, tmp_path: Path) -> Any:  # noqa: ANN401 - stands in for a session
    journal = Journal(tmp_path / "journal.jsonl")
    return SimpleNamespace(cluster=cluster, publisher=cluster, journal=journal)


def test_what_is_wanted_is_removed_and_forgotten(session: Any, cluster: PaperCluster) -> None:  # noqa: ANN401
    session.journal.claim(GONE)
    other = session.journal.claim(OTHER)
    removed = remove_leftovers(session, lambda claim: claim == GONE)
    assert removed == [Application(GONE.repo_url, "gone")]
    assert cluster.asked == [
        *(["destroy gone", "await"] * 2),
        *("lower the flag", "remove snapshots", "await that it is gone", "withdraw gone"),
    ]
    assert session.journal.left() == {other: OTHER}


def test_what_cannot_be_removed_stays_in_the_journal(session: Any, cluster: PaperCluster) -> None:  # noqa: ANN401
    entry = session.journal.claim(GONE)
    cluster.shown = NodeView(snapshots=frozenset({"ledger_gone_db@now"}))
    with pytest.raises(HarnessError, match="still there: snapshots on core1"):
        remove_leftovers(session, lambda _: True)
    assert session.journal.left() == {entry: GONE}


def test_left_is_what_this_cluster_has_and_no_process_holds() -> None:
    here = Path("/a/../a/inventory.yaml")
    assert is_left(GONE, here)
    assert not is_left(replace(GONE, inventory="/b/inventory.yaml"), here)
    assert not is_left(Claim(GONE.inventory, GONE.repo_url, "of this process"), here)


def test_of_one_run_only_what_it_claimed_is_meant() -> None:
    here = Path(GONE.inventory)
    assert is_left(replace(GONE, run="tonight"), here, "tonight")
    assert not is_left(replace(GONE, run="yesterday"), here, "tonight")
    assert not is_left(GONE, here, "tonight")


def test_a_run_that_left_nothing_is_refused_by_name() -> None:
    _require_known(None, [])
    _require_known("tonight", [replace(GONE, run="tonight")])
    with pytest.raises(UsageError, match="run tonigth") as raised:
        _require_known("tonigth", [replace(GONE, run="tonight"), GONE])
    assert raised.value.remedy == "one of: tonight"


def test_the_journal_tells_whose_a_claim_is(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.jsonl")
    journal.run = "tonight"
    journal.claim(GONE)
    assert [claim.run for claim in journal.left().values()] == ["tonight"]
