"""Notes of one context while it runs, and the scenario they make when it ends."""

from __future__ import annotations

import time
import traceback
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from cluster_tests.errors import ClusterTestsError
from cluster_tests.plugin.interrupts import Interrupted
from cluster_tests.plugin.verdict import verdict_of
from cluster_tests.results.place import utc_text
from cluster_tests.results.values import ScenarioRecord, SentenceRecord, StepError
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
        message = "" if error is None else told(error)
        self._sentences.append(SentenceRecord(_readable(name), verdict, message, seconds))

    def went_wrong(self, step: str, error: Exception) -> None:
        """Add what a step other than a sentence raised."""
        self._errors.append(StepError(step, verdict_of(error).of_a_result, told(error)))

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


def told(error: Exception) -> str:
    """Write an error for people: ours tell all by themselves, others also say where they arose."""
    if isinstance(error, ClusterTestsError | Interrupted):
        lines = [str(error)]
    elif isinstance(error, AssertionError):
        lines = [str(error) or "it does not hold", _place(error)]
    else:
        lines = [f"{type(error).__name__}: {error}", _place(error)]
    lines += getattr(error, "__notes__", [])
    # Whatever it quotes may hold half characters, which no file could.
    return "\n".join(filter(None, lines)).encode(errors="replace").decode()


def _place(error: Exception) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    last = frames[-1] if frames else None
    return f"  at {last.filename}:{last.lineno} in {last.name}" if last else ""


def _readable(name: str) -> str:
    return name.replace("_", " ")
