"""Reads a run's directory back; what a killed run left is read as far as it was written."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from cluster_tests.errors import UsageError
from cluster_tests.results.place import INDEX
from cluster_tests.results.values import FORMAT, Event, Kept, Results, RunRecord, ScenarioRecord
from cluster_tests.results.writer import KEYS, RUN, SCENARIOS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_FIELDS = {key: field for field, key in KEYS.items()}
_RUN = TypeAdapter(RunRecord)
_SCENARIO = TypeAdapter(ScenarioRecord)
_EVENT = TypeAdapter(Event)
_KEPT = TypeAdapter(tuple[Kept, ...])
T = TypeVar("T")


def read_results(directory: Path) -> Results:
    """Read what ``RunWriter`` wrote; raise ``UsageError`` for a directory that holds no run."""
    run = _run(directory / RUN)
    path = directory / SCENARIOS
    scenarios = tuple(_lines(path, _SCENARIO)) if path.exists() else ()
    names = (switch.timeline for scenario in scenarios for switch in scenario.switches)
    timelines = {name: tuple(_lines(directory / name, _EVENT)) for name in names if name}
    kept = {each.evidence: _kept(directory / each.evidence) for each in scenarios if each.evidence}
    return Results(run, scenarios, timelines, kept)


def latest_run(root: Path) -> Path:
    """Return the directory of the run that was written last; raise ``UsageError`` for none."""
    runs = list(root.glob(f"*/{RUN}"))
    if not runs:
        raise UsageError(f"no run is kept in {root}", remedy="run specs first: run-contexts specs/")
    return max(runs, key=lambda path: path.stat().st_mtime).parent


def _kept(evidence: Path) -> tuple[Kept, ...]:
    """Read the list of what was kept; a run that was killed meanwhile wrote none, or half of it."""
    try:
        return _KEPT.validate_json((evidence / INDEX).read_bytes())
    except (OSError, ValidationError):
        return ()


def _run(path: Path) -> RunRecord:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise _no_results(path, str(error)) from error
    found = content.get("format") if isinstance(content, dict) else None
    if found != FORMAT:
        raise _no_results(path, f"its format is {found}, and this reads {FORMAT}")
    return _checked(path, _RUN, content)


def _lines(path: Path, adapter: TypeAdapter[T]) -> Iterator[T]:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise _no_results(path, str(error)) from error
    # A last line without its end is what a killed run was writing: it never came to be.
    for line in text[: text.rfind("\n") + 1].splitlines():
        try:
            content = json.loads(line)
        except ValueError as error:
            raise _no_results(path, str(error)) from error
        yield _checked(path, adapter, content)


def _checked(path: Path, adapter: TypeAdapter[T], content: dict[str, Any]) -> T:
    renamed = {_FIELDS.get(key, key): value for key, value in content.items()}
    try:
        return adapter.validate_python(renamed)
    except ValidationError as error:
        raise _no_results(path, str(error)) from error


def _no_results(path: Path, why: str) -> UsageError:
    return UsageError(
        f"{path} holds no results of a run: {why}",
        remedy="name a directory below results/, one for each run",
    )
