"""Every context that fails keeps its evidence: once, and before anything is removed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import pytest
from paper import PaperCluster, PaperPublication, in_turn, keep_on_paper

from cluster_tests.givens.applications import AnApplication
from cluster_tests.givens.migrating import AMigration
from cluster_tests.givens.neighbours import ANeighbour, SideBySide
from cluster_tests.givens.refusals import AnUndisturbedApplication
from cluster_tests.model import Placement
from cluster_tests.plugin.evidence import EvidencePlugin, keep_once
from cluster_tests.plugin.interrupts import Interrupted
from cluster_tests.results.reader import read_results
from cluster_tests.session import current
from cluster_tests.tenancy.tenant import Tenant

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from spec_folder import SpecFolder

pytest_plugins = ["spec_folder"]


class PaperSession:
    """What a tenant's leaving and the evidence ask of a session."""

    keep = False

    def __init__(self, cluster: PaperCluster, directory: Path) -> None:
        self.cluster = cluster
        self.has_evidence = False
        self._directory = directory

    side_by_side = staticmethod(in_turn)

    def evidence_directory(self, what: str) -> Path:
        self.has_evidence = True
        return self._directory / what

    def take_evidence(self) -> None:
        self.has_evidence = False

    def resident(self, _name: str, move_in: Callable[[], object]) -> object:
        return move_in()

    def tenant(self, branch: str) -> Tenant:
        return PaperTenant(cast("Any", self), cast("Any", PaperPublication(self.cluster, branch)))


class PaperTenant(Tenant):
    """Says that it leaves, and that is all."""

    def leave(self) -> None:
        self._session.cluster.note(f"leave {self.application.branch}")  # type: ignore[attr-defined]


class Company:
    """Neighbours that are there already."""

    def __init__(self, session: PaperSession, *branches: str) -> None:
        self.tenants = [session.tenant(branch) for branch in branches]

    def leave(self) -> None:
        for tenant in self.tenants:
            tenant.leave()


class Lives(AnApplication):
    after = Placement("core1", "core2")


class Migrates(AMigration):
    after = source_at = Placement("core1", "core2")


class IsBeside(ANeighbour):
    after = beside = Placement("core1", "core2")


class IsRefused(AnUndisturbedApplication):
    after = Placement("core1", "core2")


class Serves(SideBySide):
    before = after = Placement("core1", "core2")
    others = ()


def alone(session: PaperSession) -> Callable[[], None]:
    context = Lives()
    context._tenant = session.tenant("own")
    return context.cleanup_what_was_created


def with_a_source(session: PaperSession) -> Callable[[], None]:
    context = Migrates()
    context._tenant, context._source = session.tenant("own"), session.tenant("source")
    return context.cleanup_what_was_created


def beside_another(session: PaperSession) -> Callable[[], None]:
    context = IsBeside()
    context._tenant = session.tenant("own")
    context._neighbours = cast("Any", Company(session, "other"))
    return context.cleanup_what_was_created


def beside_one_that_stays(session: PaperSession) -> Callable[[], None]:
    context = IsRefused()
    context._session = cast("Any", session)
    context._tenant, context._neighbour = session.tenant("own"), session.tenant("stays")
    context.written = context.written_after = ()
    context._publication = cast("Any", context._tenant.publication)
    context._ledgers, context.cached = {}, None
    return context.cleanup_what_was_created


def side_by_side(session: PaperSession) -> Callable[[], None]:
    context = Serves()
    context._neighbours = cast("Any", Company(session, "one", "two"))
    return context.cleanup_the_four


CONTEXTS: list[tuple[Callable[[PaperSession], Callable[[], None]], list[str], list[str]]] = [
    (alone, ["own"], ["own"]),
    (with_a_source, ["own", "source"], ["source", "own"]),
    (beside_another, ["other", "own"], ["other", "own"]),
    (beside_one_that_stays, ["own", "stays"], ["own"]),
    (side_by_side, ["one", "two"], ["one", "two"]),
]
each_context = pytest.mark.parametrize(("make", "about", "leaving"), CONTEXTS)


@pytest.fixture
def cluster() -> PaperCluster:
    return PaperCluster()


@pytest.fixture
def session(cluster: PaperCluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> PaperSession:
    paper = PaperSession(cluster, tmp_path)
    keep_on_paper(cluster, monkeypatch)
    monkeypatch.setattr(current, "opened", lambda: paper)
    EvidencePlugin().context_started(type("WhenX", (), {}), None)
    return paper


@each_context
def test_a_failed_sentence_leaves_evidence_of_all_before_the_first_leaves(
    session: PaperSession,
    cluster: PaperCluster,
    make: Callable[[PaperSession], Callable[[], None]],
    about: list[str],
    leaving: list[str],
) -> None:
    cleanup = make(session)
    EvidencePlugin().assertion_failed(cleanup, AssertionError())
    cleanup()
    EvidencePlugin().context_ended(object, None)
    left = [f"leave {name}" for name in leaving]
    assert cluster.names == [f"evidence of WhenX: {' '.join(about)}", *left]


@each_context
def test_an_error_of_a_given_does_so_too(
    session: PaperSession,
    cluster: PaperCluster,
    make: Callable[[PaperSession], Callable[[], None]],
    about: list[str],
    leaving: list[str],
) -> None:
    cleanup = make(session)
    with pytest.raises(KeyError):
        run_as_contexts_does(KeyError("lost"), cleanup)
    left = [f"leave {name}" for name in leaving]
    assert cluster.names == [f"evidence of WhenX: {' '.join(about)}", *left]


@each_context
def test_of_what_went_well_nothing_is_kept(
    session: PaperSession,
    cluster: PaperCluster,
    make: Callable[[PaperSession], Callable[[], None]],
    about: list[str],
    leaving: list[str],
) -> None:
    make(session)()
    EvidencePlugin().context_ended(object, None)
    assert about
    # one that may be handed on is not removed
    gone = [] if make is beside_one_that_stays else leaving
    assert cluster.names == [f"leave {name}" for name in gone]


def run_as_contexts_does(error: Exception, cleanup: Callable[[], None]) -> None:
    try:
        raise error
    finally:
        cleanup()


def test_an_interruption_waits_for_no_evidence(
    session: PaperSession, cluster: PaperCluster
) -> None:
    with pytest.raises(Interrupted):
        run_as_contexts_does(Interrupted(), side_by_side(session))
    EvidencePlugin().context_errored(object, None, Interrupted())
    assert cluster.names == ["leave one", "leave two"]


def test_evidence_that_nobody_took_does_not_stand_for_the_next_context(
    session: PaperSession, cluster: PaperCluster
) -> None:
    keep_once(failure=KeyError("of the first"))
    EvidencePlugin().context_started(SideBySide, None)
    keep_once(failure=KeyError("of the second"))
    assert session.has_evidence
    assert cluster.names == ["evidence of WhenX: ", "evidence of SideBySide: "]


def test_what_goes_wrong_is_told_and_noted_at_the_first_error(
    session: PaperSession, cluster: PaperCluster, capsys: pytest.CaptureFixture[str]
) -> None:
    cluster.fails["evidence of WhenX: "] = OSError("no room")
    failure = KeyError("first")
    keep_once(failure=failure)
    keep_once(failure=failure)
    assert cluster.names == ["evidence of WhenX: "]
    assert session.has_evidence
    [note] = failure.__notes__
    assert "could not be collected: OSError: no room" in note
    assert note in capsys.readouterr().out


# A session of which nothing is asked but what a run's record and the evidence ask.
OPENED = '''
    from concurrent.futures import ThreadPoolExecutor
    from contextlib import ExitStack
    from pathlib import Path
    from types import SimpleNamespace
    from cluster_tests.evidence import keeping
    from cluster_tests.session import current, session

    opened = session.Session(
        Path("i.yaml"), SimpleNamespace(name="paper", version="", node_names=("core1",)),
        None, None, None, SimpleNamespace(run=""), False, ThreadPoolExecutor(1), ExitStack(),
    )
    session.open_session = lambda *_, **__: opened
    current.configure(lambda: Path("i.yaml"), keep=False)
    def keep_evidence(session, subjects, directory, since):
        (directory / "core1").mkdir(parents=True)
        (directory / "core1" / "consul.log").write_text(f"{subjects} since {since}")
    keeping.keep_evidence = keep_evidence

    class WhenSomethingIsAsked:
        """a thing: it is asked"""
        def given_a_thing(self): current.session()
        def because_of_that(self): self.x = 1
        def should_answer(self): assert self.x == 1
        def should_answer_again(self): assert self.x == 1
        def cleanup_the_thing(self): self.x = 2
'''
RAISES = "raise KeyError('lost')"


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("self): current.session()", f"self): current.session(); {RAISES}"),
        ("self): self.x = 1", f"self): {RAISES}"),
        ("self): assert self.x == 1", "self): assert self.x == 2"),
        ("self): assert self.x == 1", "self): assert {}['lost']"),
        ("self): self.x = 2", f"self): {RAISES}"),
    ],
    ids=["given", "because", "sentences", "broken sentences", "cleanup"],
)
def test_a_context_without_applications_keeps_what_the_nodes_tell(
    specs: SpecFolder, right: str, wrong: str
) -> None:
    assert right in OPENED
    specs.write("a_spec.py", OPENED.replace(right, wrong))
    specs.run()
    directory, evidence = kept(specs)
    assert evidence is not None
    assert evidence.startswith("evidence/")
    assert evidence.endswith("-WhenSomethingIsAsked")
    assert (directory / evidence / "core1" / "consul.log").read_text().startswith("[] since 1")


def test_a_context_in_which_all_went_well_keeps_nothing(specs: SpecFolder) -> None:
    specs.write("a_spec.py", OPENED)
    assert specs.run().returncode == 0
    directory, evidence = kept(specs)
    assert evidence is None
    assert not (directory / "evidence").exists()


def kept(specs: SpecFolder) -> tuple[Path, str | None]:
    [path] = (specs.path.parent / "results").glob("*/run.json")
    [scenario] = read_results(path.parent).scenarios
    return path.parent, scenario.evidence
