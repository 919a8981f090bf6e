"""An application that specs hand on: taken over while it is whole, and given up otherwise."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

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
)

from cluster_tests.effort import Effort
from cluster_tests.errors import HarnessError, NotSettledError
from cluster_tests.fronts.ledger import Record
from cluster_tests.givens import applications
from cluster_tests.givens.handed_on import AnApplicationHandedOn
from cluster_tests.journal import Journal
from cluster_tests.model import Placement
from cluster_tests.results.switch_log import SwitchLog
from cluster_tests.session import current

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from cluster_tests.fronts.ledger import Found


class Store:
    """A ledger of paper, the same through every node; ``lost`` is a number by what lost it."""

    def __init__(self) -> None:
        self.records: dict[int, Record] = {}
        self.lost: dict[str, int] = {}
        self.cached: bytes | None = None

    def write(self, record: Record) -> None:
        self.records[record.id] = record

    def read_all(self) -> tuple[Found, ...]:
        return self._kept("records")

    def read_files(self) -> tuple[Found, ...]:
        return self._kept("files")

    def _kept(self, where: str) -> tuple[Found, ...]:
        lost = self.lost.get(where)
        return tuple(record.found for number, record in self.records.items() if number != lost)

    def read_cache(self) -> bytes | None:
        return self.cached

    def write_cache(self, content: bytes) -> None:
        self.cached = content


class Redeployed(AnApplicationHandedOn):
    before = after = Placement("core1", "core2")


class RedeployedElsewhere(AnApplicationHandedOn):
    before = after = Placement("core2", "core1")


@pytest.fixture
def cluster() -> PaperCluster:
    return PaperCluster()


@pytest.fixture
def stores() -> list[Store]:
    return []


@pytest.fixture
def session(
    cluster: PaperCluster, stores: list[Store], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> SimpleNamespace:
    residents: dict[str, Any] = {}

    def ledgers(_publication: object) -> dict[str, Store]:
        stores.append(Store())
        return dict.fromkeys(NODES, stores[-1])

    monkeypatch.setattr(applications, "witness_of", PaperWitness)
    monkeypatch.setattr(applications, "Recorder", PaperRecorder)
    current.begin("Redeployed")
    paper = SimpleNamespace(
        cluster=cluster,
        inventory=an_inventory(tmp_path),
        inventory_path=tmp_path / "inventory.yaml",
        journal=Journal(tmp_path / "journal.jsonl"),
        keep=False,
        effort=Effort(),
        switches=SwitchLog(),
        admit=lambda _guest: None,
        plan=lambda *_wanted: PaperPublication(cluster),
        ledgers=ledgers,
        side_by_side=in_turn,
        meanwhile=beside,
        answers=in_turn,
        haproxy_complaints=lambda: dict.fromkeys(NODES, ""),
        resident=lambda name, make: residents.setdefault(name, make()),
    )
    monkeypatch.setattr(current, "session", lambda: paper)
    return paper


def run(context: AnApplicationHandedOn, *, because: Callable[[], None] | None = None) -> None:
    """Run a context as Contexts does."""
    try:
        context.given_a_published_application()
        context.given_a_running_application_with_records()
        (because or context.switch)()
    finally:
        context.cleanup_what_was_created()


@pytest.mark.usefixtures("session")
def test_the_next_spec_goes_on_with_what_is_whole(
    cluster: PaperCluster, stores: list[Store]
) -> None:
    first, second = Redeployed(), Redeployed()
    run(first)
    cluster.asked.clear()
    run(second)
    assert len(stores) == 1
    assert "publish" not in cluster.names
    assert "destroy" not in cluster.names
    assert cluster.names.count("deploy") == 1  # its own because
    handed_on = first.written + first.written_after
    assert second.written[: len(handed_on)] == handed_on
    assert second.cached == first.cached is not None


@pytest.mark.usefixtures("session")
def test_another_placement_has_an_application_of_its_own(stores: list[Store]) -> None:
    run(Redeployed())
    run(RedeployedElsewhere())
    run(Redeployed())
    assert len(stores) == 2


def unsettle(cluster: PaperCluster, _store: Store) -> None:
    cluster.fails_once["settle"] = NotSettledError("something changed")


def lose_a_record(_cluster: PaperCluster, store: Store) -> None:
    store.lost["records"] = 1


def lose_a_file(_cluster: PaperCluster, store: Store) -> None:
    store.lost["files"] = 1


def lose_the_cache(_cluster: PaperCluster, store: Store) -> None:
    store.cached = None


@pytest.mark.parametrize("spoil", [unsettle, lose_a_record, lose_a_file, lose_the_cache])
@pytest.mark.usefixtures("session")
def test_what_is_not_whole_leaves_and_a_new_one_moves_in(
    cluster: PaperCluster, stores: list[Store], spoil: Callable[[PaperCluster, Store], None]
) -> None:
    run(Redeployed())
    cluster.asked.clear()
    spoil(cluster, stores[0])
    run(Redeployed())
    assert len(stores) == 2
    assert cluster.names.index("withdraw") < cluster.names.index("publish")


@pytest.mark.usefixtures("session")
def test_a_spec_in_which_something_was_raised_hands_nothing_on(
    cluster: PaperCluster, stores: list[Store]
) -> None:
    def fail() -> None:
        raise HarnessError("broken")

    with pytest.raises(HarnessError, match="broken"):
        run(Redeployed(), because=fail)
    assert cluster.names[-2:] == ["withdraw", "remove_snapshots"]
    run(Redeployed())
    assert len(stores) == 2


@pytest.mark.usefixtures("session")
def test_a_switch_that_did_not_settle_hands_nothing_on(
    cluster: PaperCluster, stores: list[Store]
) -> None:
    late = Redeployed()

    def switch_late() -> None:
        unsettle(cluster, stores[0])
        late.switch()

    with pytest.raises(NotSettledError, match="something changed"):
        run(late, because=switch_late)
    run(Redeployed())
    assert len(stores) == 2


@pytest.mark.usefixtures("session")
def test_a_spec_of_which_a_sentence_failed_hands_nothing_on(stores: list[Store]) -> None:
    run(Redeployed(), because=lambda: setattr(current.scenario(), "troubled", True))
    current.begin("Redeployed")
    run(Redeployed())
    assert len(stores) == 2


@pytest.mark.usefixtures("session")
def test_what_has_very_many_records_is_not_handed_on(stores: list[Store]) -> None:
    late = Redeployed()

    def write_many() -> None:
        late.switch()
        many = tuple(Record(number, "text") for number in range(100, 160))
        for record in many:
            stores[0].write(record)
        late.written += many

    run(late, because=write_many)
    run(Redeployed())
    assert len(stores) == 2


def test_with_keep_nothing_is_handed_on(session: SimpleNamespace, stores: list[Store]) -> None:
    session.keep = True
    run(Redeployed())
    run(Redeployed())
    assert len(stores) == 2
