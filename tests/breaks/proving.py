"""Breaks something, runs what must notice it, mends it, and keeps what was seen."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from agents import apply, opened, require_broken, restore
from breaking import ROOT, Break, Breakage, Damage, Slip
from damaging import damage, repair
from evidence import keep_proof
from slipping import slipped
from spec_run import run_spec, uninterrupted
from tour_run import BEGIN, run_tour

from cluster_tests.report import say
from cluster_tests.session.session import open_session
from cluster_tests.tenancy.leftovers import remove_leftovers

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from evidence import Result

    from cluster_tests.inventory.entries import Inventory

RESULTS = ROOT / "results" / "breaks"
PREFIX = "cluster-tests-breaks-"  # what the directory of an inventory of ours is called
_BROKEN, _DAMAGED = RESULTS / "broken.json", RESULTS / "damaged.json"


def grouped(chosen: Iterable[Breakage], *, together: bool) -> list[tuple[Breakage, ...]]:
    """Say what is broken at one time: one thing, or ``together`` the agents for one spec class."""
    groups: dict[str, list[Breakage]] = {}
    for one in chosen:
        joins = together and isinstance(one, Break) and not one.alone
        groups.setdefault(one.spec if joins else one.name, []).append(one)
    return [tuple(group) for group in groups.values()]


def prove(group: Sequence[Breakage], path: Path, inventory: Inventory) -> dict[str, bool]:
    """Break the cluster in all these ways at once; tell which breaks were noticed."""
    for one in group:
        say(f"{one.name}: {one.how}", indent=0)
    with _broken(group, path, inventory) as environment:
        result = _run(group[0], path, environment)
        _require_broken(group, inventory)
    _tell(group, result)
    noticed = {one.name: _was_noticed(one, result) for one in group}
    for one in group:
        if noticed[one.name]:
            beside = tuple(other.name for other in group if other is not one)
            keep_proof(one, result, f"{datetime.now(UTC):%Y-%m-%d}", beside=beside)
    return noticed


def mend(inventory: Inventory) -> None:
    """Undo what is broken, also by a run that was killed."""
    repair(_DAMAGED)
    if _BROKEN.exists():
        with opened(inventory) as agents:
            restore(agents, _BROKEN)


def _run(one: Breakage, path: Path, environment: Mapping[str, str]) -> Result:
    run = run_tour if one.spec.startswith(BEGIN) else run_spec
    return run(one.spec, path, RESULTS / f"{one.name}.log", environment)


def _was_noticed(one: Breakage, result: Result) -> bool:
    return set(one.sentences) <= set(result.red) and result.exit_code == one.exit_code


def _tell(group: Sequence[Breakage], result: Result) -> None:
    wanted = [name for one in group for name in one.sentences]
    for name, red in result.red.items():
        mark = "red, as it must be" if name in wanted else "red, too"
        say(f"{name} ({mark}, {red.times} of {red.of}): {' '.join(red.said.split())[:200]}")
    for name in wanted:
        if name not in result.red:
            say(f"{name}: NOT RED")
    code, must = result.exit_code, group[0].exit_code
    wrong = "" if code == must else f", which is NOT {must}"
    say(f"exit code {code}{wrong}, {len(result.red)} red, {result.seconds:.1f} s")


@contextmanager
def _broken(
    group: Sequence[Breakage], path: Path, inventory: Inventory
) -> Iterator[Mapping[str, str]]:
    """Break it, and give what the environment of a run must have; mend it whatever happens."""
    first = group[0]
    if isinstance(first, Slip):
        with slipped(first) as environment, _mended(path, inventory):
            yield environment
        return
    with _mended(path, inventory):
        if isinstance(first, Damage):
            damage(first, _DAMAGED)
        if breaks := _breaks(group):
            with opened(inventory) as agents:
                apply(agents, breaks, _BROKEN)
        yield {}


def _require_broken(group: Sequence[Breakage], inventory: Inventory) -> None:
    if breaks := _breaks(group):
        with opened(inventory) as agents:
            require_broken(agents, breaks)


def _breaks(group: Iterable[Breakage]) -> list[Break]:
    return [one for one in group if isinstance(one, Break)]


@contextmanager
def _mended(path: Path, inventory: Inventory) -> Iterator[None]:
    try:
        yield
    finally:
        with uninterrupted():
            mend(inventory)
            sweep(path)


def sweep(path: Path) -> None:
    """Remove what this run and killed ones left: the cluster works again."""
    session = open_session(path)
    try:
        for one in remove_leftovers(session, lambda claim: PREFIX in claim.inventory):
            say(f"removed {one}, which the broken cluster had kept")
    finally:
        session.close()
