"""Writes a tour down: a scenario for each step, with its switch."""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from cluster_tests.plugin.notes import said
from cluster_tests.report import say
from cluster_tests.reporting.keeping import Keeper
from cluster_tests.reporting.recorder import Recorder
from cluster_tests.results.place import utc_text
from cluster_tests.results.values import ScenarioRecord, SentenceRecord, StepError
from cluster_tests.results.verdict import Verdict, in_sum

if TYPE_CHECKING:
    from cluster_tests.session.session import Session
    from cluster_tests.tour.paper import Plan
    from cluster_tests.tour.tour import Result

PLAN = "plan.json"
_SENTENCE = "should settle, and show through every node what was acknowledged"


class TourRecording:
    """The record of one tour; what cannot be written down never ends it."""

    def __init__(self, session: Session, options: list[str]) -> None:
        """Take a directory for a tour; ``options`` are those with which a step is repeated."""
        command = [Path(sys.argv[0]).name, *sys.argv[1:]]
        self._recorder = Recorder(os.environ, command)
        self._keeper = Keeper()
        self._session = session
        self._options = options
        self._mode = ""

    @property
    def directory(self) -> Path:
        """Where the tour's own files belong as well."""
        return self._recorder.directory

    def begin(self, plan: Plan, first: int) -> None:
        """Tell what is to be done: the steps of ``plan`` from number ``first`` on."""
        self._mode = plan.mode
        self._session.belong_to(self.directory)
        self._recorder.know_cluster(self._session.inventory, self._session.effort)
        planned = tuple(_id(str(switch)) for switch in plan.steps[first - 1 :])
        self._recorder.know(seed=plan.seed, planned=tuple(dict.fromkeys(planned)))

    def step(self, result: Result) -> None:
        """Write down what came of a step."""
        switches = self._session.switches.take()
        self._keeper.keep(lambda: self._recorder.add(self._scenario(result), switches))

    def went_wrong(self, error: Exception) -> None:
        """Write down what ended the tour before its last step."""
        self._keeper.keep(lambda: self._recorder.went_wrong(said(error)))

    def end(self, verdict: Verdict) -> Verdict:
        """Make the report, say where it is, and return the verdict of it all."""
        report = self._keeper.keep(lambda: self._recorder.conclude(verdict))
        if self._keeper.broken is not None:
            verdict = in_sum([verdict, Verdict.UNKNOWN], of_nothing=verdict)
            self._recorder.give_up(verdict, str(self._keeper.broken))
        if report is not None:
            say(f"report: {report}", indent=0)
        return verdict

    def _scenario(self, result: Result) -> ScenarioRecord:
        seconds = result.seconds or 0.0
        plan = self.directory / PLAN
        again = ["cluster-tests", "tour", "--plan", str(plan), "--from", str(result.number)]
        complaints = "\n".join(result.complaints)
        unknown = result.verdict is Verdict.UNKNOWN
        return ScenarioRecord(
            id=_id(str(result.switch)),
            class_name=f"step {result.number}",
            file=f"tour {self._mode}",
            case=str(result.switch),
            verdict=result.verdict,
            started=utc_text(),
            seconds=seconds,
            repeat=shlex.join([*again, *self._options]),
            kind=result.switch.kind,
            sentences=()
            if unknown
            else (SentenceRecord(_SENTENCE, result.verdict, complaints, seconds),),
            errors=(StepError("step", result.verdict, complaints),) if unknown else (),
            evidence=None
            if result.evidence is None
            else str(result.evidence.relative_to(self.directory)),
        )


def _id(switch: str) -> str:
    return f"tour: {switch}"
