"""The one session of a run: opened when the first spec asks for it, and closed at the end.

The plugin configures and closes, the givens ask. What a session needs takes a while to load, so a
run of specs without a cluster loads none of it.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from cluster_tests.errors import ClusterTestsError, UsageError
from cluster_tests.report import Progress

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from cluster_tests.session.session import Session


@dataclass
class Scenario:
    """The context that runs: its class, and since when (seconds since 1970).

    ``troubled`` is set once one of its sentences has failed, or could not be judged.
    """

    name: str = ""
    began: float = field(default_factory=time.time)
    troubled: bool = False


@dataclass
class _Current:
    find_inventory: Callable[[], Path] | None = None
    keep: bool = False
    results: Path | None = None
    session: Session | None = None
    failure: ClusterTestsError | None = None
    notices: list[str] = field(default_factory=list)
    scenario: Scenario = field(default_factory=Scenario)


_current = _Current()


def configure(find_inventory: Callable[[], Path], *, keep: bool) -> None:
    """Say where the inventory comes from, once it is needed, and whether to ``keep`` what is made.

    A session that is open is none of the new configuration: close it before.
    """
    _current.find_inventory = find_inventory
    _current.keep = keep
    _current.failure = None


def write_to(directory: Path) -> None:
    """Say which directory the run has, named by its ID: a session that is opened belongs to it."""
    _current.results = directory


def session() -> Session:
    """Return the session, opening it at the first call.

    Raises what the opening raised, and raises it again at every later call: a cluster that cannot
    be reached is not tried once per spec.
    """
    if _current.failure is not None:
        raise _current.failure
    if _current.session is None:
        try:
            _current.session = _open()
        except ClusterTestsError as error:
            _current.failure = error
            raise
    return _current.session


def begin(name: str) -> None:
    """Say that a context of the class ``name`` begins."""
    _current.scenario = Scenario(name)


def scenario() -> Scenario:
    """Return the context that runs, or ran last."""
    return _current.scenario


def notice(text: str) -> None:
    """Keep a line that every run is to show, also where what a spec prints is captured."""
    _current.notices.append(text)


def take_notices() -> list[str]:
    """Give the lines that were kept since this was asked last."""
    taken, _current.notices = _current.notices, []
    return taken


def opened() -> Session | None:
    """Return the session if one is open."""
    return _current.session


def close() -> list[str]:
    """Close the session if one is open; tell where its time went, a line each.

    Raises what its closing raises.
    """
    opened, _current.session = _current.session, None
    if opened is None:
        return []
    opened.close()
    return list(opened.effort.figures().lines())


def _open() -> Session:
    if _current.find_inventory is None:
        raise UsageError(
            "specs are run by run-contexts, with this project installed",
            remedy="run-contexts specs/ -v -s",
        )
    inventory = _current.find_inventory()
    with Progress("connecting to the cluster"):
        from cluster_tests.session.session import open_session  # noqa: PLC0415 - see the module's docstring

        opened = open_session(inventory, keep=_current.keep, tell=notice)
    if _current.results is not None:
        opened.belong_to(_current.results)
    return opened
