"""The one session of a run: opened when asked for, tried once, closed whatever its guests do."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from typing import TYPE_CHECKING, Any
from unittest.mock import MagicMock

import pytest
from paper import an_inventory

from cluster_tests.errors import HarnessError, UsageError
from cluster_tests.journal import Journal
from cluster_tests.session import current, session
from cluster_tests.session.session import Session

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@pytest.fixture(autouse=True)
def _a_run_of_its_own() -> Iterator[None]:
    yield
    current._current = current._Current()


class Guest:
    def __init__(self, name: str, log: list[str], error: Exception | None = None) -> None:
        self._name, self._log, self._error = name, log, error

    def leave(self) -> None:
        self._log.append(self._name)
        if self._error is not None:
            raise self._error


@pytest.fixture
def log() -> list[str]:
    return []


@pytest.fixture
def opened(tmp_path: Path, log: list[str]) -> Session:
    resources = ExitStack()
    resources.callback(log.append, "tunnels")
    unused: Any = None
    return Session(
        inventory_path=tmp_path,
        inventory=unused,
        links=unused,
        cluster=unused,
        publisher=unused,
        journal=Journal(tmp_path / "journal.jsonl"),
        keep=False,
        _executor=resources.enter_context(ThreadPoolExecutor()),
        _resources=resources,
    )


def test_evidence_is_named_below_the_run_and_taken_once(opened: Session, tmp_path: Path) -> None:
    opened.belong_to(tmp_path / "a-run")
    assert opened.journal.run == "a-run"
    assert opened.take_evidence() is None
    named = opened.evidence_directory("WhenX")
    assert named.parent == tmp_path / "a-run" / "evidence"
    assert opened.take_evidence() is None  # it was named, and nothing was kept
    opened.evidence_directory("WhenX").mkdir(parents=True)
    kept = opened.take_evidence()
    assert kept is not None
    assert kept.is_dir()
    assert opened.take_evidence() is None


def test_outside_of_a_run_evidence_is_where_results_are(
    opened: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLUSTER_TESTS_RESULTS", str(tmp_path / "kept"))
    assert opened.evidence_directory("WhenX").parent == tmp_path / "kept" / "evidence"


def test_a_session_keeps_its_journal_where_results_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or else `cluster-tests clean` would look for what was left in another place."""
    for name in ("Links", "Cluster", "Publisher"):
        monkeypatch.setattr(session, name, MagicMock())
    monkeypatch.setattr(session, "load_inventory", lambda _: an_inventory(tmp_path))
    monkeypatch.setenv("CLUSTER_TESTS_RESULTS", str(tmp_path / "kept"))
    with closing(session.open_session(tmp_path)) as found:
        assert found.journal.path == tmp_path / "kept" / "journal.jsonl"


def test_without_the_plugin_there_is_no_session() -> None:
    with pytest.raises(UsageError, match="run-contexts"):
        current.session()


def test_a_session_is_opened_once_and_closed(
    opened: Session, log: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Path] = []

    def open_session(path: Path, *, keep: bool, tell: Callable[[str], None]) -> Session:
        asked.append(path)
        tell("a notice")
        assert keep
        return opened

    monkeypatch.setattr(session, "open_session", open_session)
    current.configure(lambda: tmp_path, keep=True)
    assert asked == []
    assert current.session() is current.session() is opened
    assert asked == [tmp_path]
    assert current.take_notices() == ["a notice"]
    assert current.take_notices() == []
    current.close()
    current.close()
    assert log == ["tunnels"]


def test_a_cluster_that_cannot_be_reached_is_tried_once(tmp_path: Path) -> None:
    tried = []

    def find() -> Path:
        tried.append(tmp_path)
        raise HarnessError("no way")

    current.configure(find, keep=False)
    for _ in range(2):
        with pytest.raises(HarnessError, match="no way"):
            current.session()
    assert len(tried) == 1


def test_guests_leave_before_the_tunnels_close_the_last_one_first(
    opened: Session, log: list[str]
) -> None:
    opened.admit(Guest("first", log))
    opened.admit(Guest("second", log))
    opened.close()
    opened.close()
    assert log == ["second", "first", "tunnels"]


def test_a_guest_that_cannot_leave_holds_up_nobody(opened: Session, log: list[str]) -> None:
    opened.admit(Guest("first", log))
    opened.admit(Guest("second", log, HarnessError("stuck")))
    with pytest.raises(HarnessError, match="stuck"):
        opened.close()
    assert log == ["second", "first", "tunnels"]


def test_a_port_is_free_that_no_proxy_serves_and_no_record_claims(
    opened: Session, tmp_path: Path
) -> None:
    """An application in maintenance is in no configuration; its port would be refused."""
    opened.inventory = an_inventory(tmp_path)
    opened.cluster, opened.publisher = MagicMock(), MagicMock()
    engine = MagicMock()
    engine.read_file.return_value = b"frontend one\n  bind *:2200\n  bind *:2201-2202\n"
    opened.cluster.nodes = {"core1": MagicMock(engine=engine)}
    claimed = {"frontend": {"bind": ["*:2203"]}, "backends": []}
    opened.cluster.consul.all_records.return_value = {"shop": {"haproxy": {"ssh": claimed}}}
    opened.plan("ledger", "one")
    assert opened.publisher.plan.call_args.kwargs["taken"] == {2200, 2201, 2202, 2203}
