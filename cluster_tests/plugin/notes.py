"""Notes of one context while it runs, and the scenario they make when it ends."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from cluster_tests.errors import NotSettledError
from cluster_tests.plugin.interrupts import Interrupted
from cluster_tests.plugin.verdict import verdict_of
from cluster_tests.plugin.xml_errors import CLEANUP
from cluster_tests.reporting.keeping import told
from cluster_tests.results.place import utc_text
from cluster_tests.results.values import SWITCH, ScenarioRecord, SentenceRecord, StepError
from cluster_tests.results.verdict import Verdict, in_sum

if TYPE_CHECKING:
    from cluster_tests.grammar.catalogue import Entry


@dataclass
class Notes:
    """What is known of the context that runs; ``file`` and ``repeat`` are where it is, and how."""

    entry: Entry
    file: str
    repeat: str
    example: str | None = None
    _started: float = field(default_factory=time.monotonic)
    _at: str = field(default_factory=utc_text)
    _asked: float = 0.0
    _sentences: list[SentenceRecord] = field(default_factory=list)
    _errors: list[StepError] = field(default_factory=list)

    def ask(self) -> None:
        """Begin to count a sentence's time."""
        self._asked = time.monotonic()

    def answered(self, name: str, error: Exception | None = None) -> None:
        """Add a sentence with what it raised."""
        seconds = round(time.monotonic() - self._asked, 3)
        verdict = Verdict.PASS if error is None else verdict_of(error).of_a_result
        message = "" if error is None else said(error)
        self._sentences.append(SentenceRecord(_readable(name), verdict, message, seconds))

    def went_wrong(self, step: str, error: Exception) -> None:
        """Add what a step other than a sentence raised."""
        late = step == CLEANUP and isinstance(error, NotSettledError)
        told_of = SWITCH if late else step
        self._errors.append(StepError(told_of, verdict_of(error).of_a_result, said(error)))

    def scenario(self) -> ScenarioRecord:
        """Make the scenario. One that asked nothing and met no error was not judged."""
        verdicts = [each.verdict for each in self._sentences]
        verdicts += [each.verdict for each in self._errors]
        return ScenarioRecord(
            id=self.entry.id,
            class_name=self.entry.class_name,
            file=self.file,
            case=self.entry.case,
            verdict=in_sum(verdicts, of_nothing=Verdict.UNKNOWN),
            started=self._at,
            seconds=round(time.monotonic() - self._started, 3),
            repeat=self.repeat,
            kind=self.entry.kind,
            tags=self.entry.tags,
            example=self.example,
            sentences=tuple(self._sentences),
            errors=tuple(self._errors),
        )


def said(error: Exception) -> str:
    """Write an error for people; an interruption needs no word on where it came."""
    return str(error) if isinstance(error, Interrupted) else told(error)


def _readable(name: str) -> str:
    return name.replace("_", " ")
