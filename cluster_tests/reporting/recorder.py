"""Writes a run down while it lasts, and makes its report when it ends."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from cluster_tests.errors import HarnessError
from cluster_tests.results.place import results_root, run_id, utc_text
from cluster_tests.results.values import RunRecord, Share
from cluster_tests.results.verdict import Verdict
from cluster_tests.results.writer import RunWriter

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from cluster_tests.effort import Effort
    from cluster_tests.inventory.entries import Inventory
    from cluster_tests.results.values import Event, ScenarioRecord, SwitchRecord


class Recorder:
    """One run. Nothing is on the disk before there is something to tell.

    Every method raises ``HarnessError`` where something cannot be written.
    """

    def __init__(self, environ: Mapping[str, str], command: Sequence[str]) -> None:
        """Take a directory for the run that ``command`` started, where ``environ`` says."""
        root = results_root(environ)
        self.run = RunRecord(run_id(environ), tuple(command), utc_text())
        self.directory = root / self.run.run_id
        self._writer = RunWriter(self.directory)
        self._written: RunRecord | None = None
        self._effort: Effort | None = None

    @property
    def begun(self) -> bool:
        """Whether there was something to tell."""
        return self._written is not None

    def know(self, **fields: Any) -> None:  # noqa: ANN401 - fields of RunRecord, checked by it
        """Replace fields of the run; they are written with the next scenario or error."""
        self.run = replace(self.run, **fields)

    def know_cluster(self, inventory: Inventory, effort: Effort) -> None:
        """Tell what is under test, and where the time is counted."""
        self._effort = effort
        self.know(cluster=inventory.name, version=inventory.version, nodes=inventory.node_names)

    def add(
        self,
        scenario: ScenarioRecord,
        switches: Iterable[tuple[SwitchRecord, Sequence[Event]]] = (),
    ) -> None:
        """Write a scenario down, with its switches."""
        self._write_run()
        judged = [(_judged(switch, scenario), events) for switch, events in switches]
        self._writer.scenario(scenario, judged)

    def went_wrong(self, message: str) -> None:
        """Write down what belongs to no scenario."""
        self.know(errors=(*self.run.errors, message))
        self._write_run()

    def conclude(self, verdict: Verdict) -> Path:
        """End the run; make report and history, and return the report's path."""
        if self._effort is not None:
            figures = self._effort.figures()
            self.know(share=Share(round(figures.own_share, 4), tuple(figures.lines())))
        self._end(verdict)
        # Only here: what makes reports takes a while to load, and a run shall begin at once.
        from cluster_tests.reporting.concluding import conclude  # noqa: PLC0415

        return conclude(self.directory)

    def give_up(self, verdict: Verdict, why: str) -> None:
        """Let the file say, where it still can be written, that it does not hold everything."""
        self.know(errors=(*self.run.errors, why))
        try:
            self._end(verdict)
        except HarnessError:
            return  # nowhere to write it: the run has told it, and its verdict holds it

    def _end(self, verdict: Verdict) -> None:
        self.know(ended=utc_text(), verdict=verdict, exit_code=verdict.exit_code)
        self._write_run()

    def _write_run(self) -> None:
        if self.run != self._written:
            self._writer.run(self.run)
            self._written = self.run


def _judged(switch: SwitchRecord, scenario: ScenarioRecord) -> SwitchRecord:
    """Let the switch that a scenario is about be no better than the scenario's sentences."""
    if switch.label != scenario.case or switch.verdict is not Verdict.PASS:
        return switch
    return replace(switch, verdict=scenario.verdict)
