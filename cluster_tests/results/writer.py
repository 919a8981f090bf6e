"""Writes a run down while it runs: whatever ends it, what was found until then is on the disk."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

from cluster_tests.errors import HarnessError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from cluster_tests.results.values import Event, RunRecord, ScenarioRecord, SwitchRecord

RUN, SCENARIOS, TIMELINES = "run.json", "scenarios.jsonl", "timelines"
# A field of a value may not be called as Python's keyword, its key in the file may.
KEYS = {"class_name": "class"}


class RunWriter:
    """One run's directory. Every method raises ``HarnessError`` where it cannot be written."""

    def __init__(self, directory: Path) -> None:
        """Keep the run in ``directory``, which ``run`` makes."""
        self.directory = directory
        self._timelines = 0

    def run(self, run: RunRecord) -> None:
        """Write the run as far as it is known: at its beginning, whenever more is, at its end."""
        content = json.dumps(_as_json(run), indent=1) + "\n"
        path = self.directory / RUN
        draft = path.with_suffix(".new")
        try:
            self.directory.mkdir(parents=True, exist_ok=True)
            draft.write_text(content, encoding="utf-8")
            draft.replace(path)  # at no moment is there half a file
        except OSError as error:
            raise _not_written(path, error) from error

    def scenario(
        self,
        scenario: ScenarioRecord,
        switches: Iterable[tuple[SwitchRecord, Sequence[Event]]] = (),
    ) -> ScenarioRecord:
        """Add a scenario with its ``switches``, whose events become timelines; return it whole."""
        kept = tuple(self._with_timeline(switch, events) for switch, events in switches)
        whole = replace(scenario, switches=(*scenario.switches, *kept))
        self._append(self.directory / SCENARIOS, [_as_json(whole)])
        return whole

    def _with_timeline(self, switch: SwitchRecord, events: Sequence[Event]) -> SwitchRecord:
        if not events:
            return switch
        self._timelines += 1
        name = f"{TIMELINES}/{self._timelines:04}.jsonl"
        self._append(self.directory / name, map(_as_json, events))
        return replace(switch, timeline=name)

    def _append(self, path: Path, lines: Iterable[Mapping[str, Any]]) -> None:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("a", encoding="utf-8") as file:
                file.writelines(json.dumps(line) + "\n" for line in lines)
        except OSError as error:
            raise _not_written(path, error) from error


def _as_json(value: RunRecord | ScenarioRecord | Event) -> dict[str, Any]:
    return {KEYS.get(name, name): content for name, content in asdict(value).items()}


def _not_written(path: Path, error: OSError) -> HarnessError:
    return HarnessError(
        f"results: {path} cannot be written: {error.strerror}",
        remedy="make room or give rights there, or name another place in CLUSTER_TESTS_RESULTS",
    )
