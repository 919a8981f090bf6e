"""Writes every run down: each context as it ends, and the report once the run is over.

A run that did not pass closes with what went wrong, told again: cluster_tests/reporting/retelling.

What becomes of a run that cannot be written down: cluster_tests/reporting/keeping.py.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from contexts.plugin_interface import NO_EXAMPLE

from cluster_tests.plugin.interrupts import Interrupted
from cluster_tests.plugin.notes import Notes, said
from cluster_tests.plugin.order import OrderPlugin
from cluster_tests.plugin.selection import entry_in
from cluster_tests.plugin.sharding import ShardingPlugin
from cluster_tests.plugin.verdict import VerdictPlugin
from cluster_tests.plugin.xml_errors import XmlErrorsPlugin, failed_steps
from cluster_tests.report import say
from cluster_tests.reporting.keeping import Keeper
from cluster_tests.reporting.recorder import Recorder
from cluster_tests.reporting.retelling import retelling
from cluster_tests.results.place import shown
from cluster_tests.results.values import Results
from cluster_tests.results.verdict import Verdict
from cluster_tests.session import current

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Generator, Mapping
    from types import ModuleType

    from cluster_tests.results.values import ScenarioRecord
    from cluster_tests.session.session import Session


class RecordingPlugin:
    """Keeps notes of the context that runs; never takes a verdict with it, nor lets one stand."""

    def __init__(self) -> None:
        """Nothing is written before there is something to write."""
        self._recorder: Recorder
        self._quiet = False
        self._inventory = ""
        self._module: ModuleType | None = None
        self._notes: Notes | None = None
        self._keeper = Keeper()
        # What went wrong, for the end: also what could not be written down.
        self._troubled: list[ScenarioRecord] = []
        self._errors: list[str] = []

    @classmethod
    def locate(cls) -> tuple[type, type]:
        """Come after what may end the run, and before tracebacks are dropped and the verdict."""
        return XmlErrorsPlugin, VerdictPlugin

    def initialise(self, args: argparse.Namespace, environ: Mapping[str, str]) -> bool:
        """Take part in every run."""
        self._quiet = args.verbosity == "quiet"
        self._inventory = args.inventory or ""
        command = [Path(sys.argv[0]).name, *sys.argv[1:]]
        self._recorder = Recorder(environ, command)
        current.write_to(self._recorder.directory)
        return True

    def request_plugins(self) -> Generator[list[type], dict[type, object], None]:
        """Ask for those who know seed, shard and verdict."""
        active = yield [OrderPlugin, ShardingPlugin, VerdictPlugin]
        order, sharding, verdict = (
            active[OrderPlugin], active[ShardingPlugin], active[VerdictPlugin]
        )  # fmt: skip
        assert isinstance(order, OrderPlugin)  # noqa: S101 - all three take part in every run
        assert isinstance(sharding, ShardingPlugin)  # noqa: S101
        assert isinstance(verdict, VerdictPlugin)  # noqa: S101
        self._order, self._sharding, self._verdict = order, sharding, verdict

    def suite_started(self, module: ModuleType) -> None:
        """Remember the file whose classes come."""
        self._module = module

    def context_started(self, cls: type, example: object) -> None:
        """Begin the notes of a context."""
        self._notes = self._keeper.note(
            lambda: self._begin(cls, None if example is NO_EXAMPLE else str(example))
        )

    def assertion_started(self, _sentence: Callable[..., object]) -> None:
        """Begin to count a sentence's time."""
        if self._notes:
            self._notes.ask()

    def assertion_passed(self, sentence: Callable[..., object]) -> None:
        """Note a sentence that held."""
        self._answered(sentence, None)

    def assertion_failed(self, sentence: Callable[..., object], error: Exception) -> None:
        """Note a sentence that did not hold."""
        self._answered(sentence, error)

    def assertion_errored(self, sentence: Callable[..., object], error: Exception) -> None:
        """Note a sentence that could not be asked to its end."""
        self._answered(sentence, error)

    def context_ended(self, _cls: type, _example: object) -> None:
        """Write the context down."""
        self._write()

    def context_errored(self, _cls: type, _example: object, error: Exception) -> None:
        """Write the context down with the steps that raised."""
        for step, raised in failed_steps(error):
            if self._notes:
                self._notes.went_wrong(step, raised)
        self._write()

    def test_class_errored(self, cls: type, error: Exception) -> None:
        """Write down a class of which no context could be made."""
        if isinstance(error, Interrupted):
            self.unexpected_error(error)
            return
        self._notes = self._keeper.note(lambda: self._begin(cls, None))
        if self._notes:
            self._notes.went_wrong("examples", error)
        self._write()

    def unexpected_error(self, error: Exception) -> None:
        """Note what belongs to no class: an import, the grammar, the session's end."""
        message = self._keeper.note(lambda: said(error))
        if message is not None:
            self._errors.append(message)
            self._keeper.keep(lambda: self._add_error(message))

    def get_exit_code(self) -> None:
        """End the record with the verdict, retell what went wrong, and say where the report is.

        Contexts asks the plugins in turn for the exit code: the next one gives it.
        """
        report = None
        if self._recorder.begun:
            report = self._keeper.keep(lambda: self._recorder.conclude(self._verdict.verdict()))
        if self._keeper.broken is not None:
            self._verdict.unexpected_error(self._keeper.broken)
            self._recorder.give_up(self._verdict.verdict(), str(self._keeper.broken))
            self._errors.append(str(self._keeper.broken))
        if not self._quiet:
            self._retell(report)

    def _retell(self, report: Path | None) -> None:
        rest = "see above" if report is None else "see the report"
        run = replace(self._recorder.run, errors=tuple(self._errors))
        results = Results(run, tuple(self._troubled))
        for line in retelling(results, self._recorder.directory, rest=rest):
            say(line, indent=0)
        if report is not None:
            say(f"report: {report}", indent=0)

    def _begin(self, cls: type, example: str | None) -> Notes:
        assert self._module is not None  # noqa: S101 - no class without its file
        file = str(shown(Path(self._module.__file__ or self._module.__name__)))
        options = ["--inventory", self._inventory] if self._inventory else []
        repeat = self._order.alone(f"{file}:{cls.__name__}", options)
        return Notes(entry_in(self._module, cls), file, repeat, example)

    def _answered(self, sentence: Callable[..., object], error: Exception | None) -> None:
        if self._notes:
            self._notes.answered(sentence.__name__, error)

    def _write(self) -> None:
        notes, self._notes = self._notes, None
        if notes is None:
            return
        scenario = self._keeper.note(lambda: self._scenario(notes))
        if scenario is None:
            return
        if scenario.verdict is not Verdict.PASS:
            self._troubled.append(scenario)
        self._keeper.keep(lambda: self._add(scenario))

    def _scenario(self, notes: Notes) -> ScenarioRecord:
        scenario, session = notes.scenario(), current.opened()
        kept = None if session is None else session.take_evidence()
        if kept is None:
            return scenario
        return replace(scenario, evidence=str(kept.relative_to(self._recorder.directory)))

    def _add(self, scenario: ScenarioRecord) -> None:
        session = self._about()
        self._recorder.add(scenario, () if session is None else session.switches.take())

    def _add_error(self, message: str) -> None:
        self._about()
        self._recorder.went_wrong(message)

    def _about(self) -> Session | None:
        """Tell the recorder what is known by now of run and cluster."""
        shard = self._sharding.shard
        self._recorder.know(
            seed=self._order.seed,
            shard=str(shard) if shard else None,
            split=self._sharding.fingerprint,
            planned=self._sharding.planned,
        )
        session = current.opened()
        if session is not None:
            self._recorder.know_cluster(session.inventory, session.effort)
        return session
