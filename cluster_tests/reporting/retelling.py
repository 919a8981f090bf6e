"""What went wrong in a run, in a few lines: people and CI systems read the end of a log first.

One context takes less than 2000 characters, which is what the viewers of some CI systems show.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from cluster_tests.errors import REMEDY
from cluster_tests.results.place import shown
from cluster_tests.results.values import SWITCH
from cluster_tests.results.verdict import INTERRUPTION, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from cluster_tests.results.values import Results, ScenarioRecord

MOST = 10  # contexts, and errors of the run itself, that are told
_LINES = 4  # of a message
_WIDTH = 160  # characters of a line
_MARGIN = "    "


class _Trouble(NamedTuple):
    """A sentence or step that went wrong."""

    what: str
    verdict: Verdict
    message: str


def retelling(
    results: Results, directory: Path, *, most: int = MOST, rest: str = "see the report"
) -> Iterator[str]:
    """Yield the lines: contexts that failed, those that could not be judged, errors of the run.

    Of an interrupted run that is what had gone wrong until then. ``directory`` is the run's,
    ``rest`` says where those are that come after the first ``most``.
    """
    contexts = [
        list(_context(scenario, directory))
        for verdict in (Verdict.FAIL, Verdict.UNKNOWN)
        for scenario in results.scenarios
        if scenario.verdict is verdict and not _interrupted_alone(scenario)
    ]
    errors = [
        list(_cut("the run itself: ", error))
        for error in results.run.errors
        if error != INTERRUPTION
    ]
    for blocks in (contexts, errors):
        for block in blocks[:most]:
            yield from block
        if len(blocks) > most:
            yield f"… and {len(blocks) - most} more: {rest}"


def _context(scenario: ScenarioRecord, directory: Path) -> Iterator[str]:
    example = f" -> {scenario.example}" if scenario.example else ""
    yield _line(f"{scenario.verdict}: {scenario.file}:{scenario.class_name}{example}")
    for line in _what_went_wrong(scenario):
        yield f"{_MARGIN}{line}"
    if scenario.evidence:
        yield f"{_MARGIN}evidence: {shown(directory / scenario.evidence)}"
    yield f"{_MARGIN}to repeat it: {scenario.repeat}"


def _what_went_wrong(scenario: ScenarioRecord) -> Iterator[str]:
    """Tell the first trouble that made the verdict, and name the others."""
    troubles = _troubles(scenario)
    if not troubles:
        yield "no sentence was asked"
        return
    first = next((each for each in troubles if each.verdict is scenario.verdict), troubles[0])
    yield from _cut(f"{first.what}: ", first.message)
    others = [each.what for each in troubles if each is not first]
    if others:
        yield _line(f"{len(others)} more did not hold: {', '.join(others)}")


def _troubles(scenario: ScenarioRecord) -> list[_Trouble]:
    """List what went wrong, without the interruption: it says nothing about the context.

    A switch that did not settle comes first: it is why sentences do not hold. Then they do: none is
    asked after a given or because that failed, so that what else went wrong beside a sentence is
    the cleanup.
    """
    found = [_Trouble(*each) for each in _judged(scenario)]
    return [
        each for each in found if each.verdict is not Verdict.PASS and each.message != INTERRUPTION
    ]


def _judged(scenario: ScenarioRecord) -> Iterator[tuple[str, Verdict, str]]:
    sentences = [(each.name, each.verdict, each.message) for each in scenario.sentences]
    errors = [(each.step, each.verdict, each.message) for each in scenario.errors]
    yield from (each for each in errors if each[0] == SWITCH)
    yield from sentences
    yield from (each for each in errors if each[0] != SWITCH)


def _interrupted_alone(scenario: ScenarioRecord) -> bool:
    interrupted = any(message == INTERRUPTION for _, _, message in _judged(scenario))
    return interrupted and not _troubles(scenario)


def _cut(begin: str, message: str) -> Iterator[str]:
    """Yield ``begin`` and the message's first lines; what mends it is never among those left out.

    The first remedy counts: it is that of the cause, and later ones are of what came on top.
    """
    lines = [line for line in message.splitlines() if line.strip()] or ["no message"]
    remedy = next((line for line in lines if line.lstrip().startswith(REMEDY)), None)
    told = [line for line in lines if line is not remedy]
    if len(told) > _LINES:
        told[_LINES - 1 :] = [f"  … {len(told) - _LINES + 1} more lines"]
    yield _line(begin + (told[0] if told else ""))
    yield from (f"  {_line(line)}" for line in told[1:])
    if remedy is not None:
        yield f"  {_line(remedy, 2 * _WIDTH)}"  # a command that is cut mends nothing


def _line(text: str, width: int = _WIDTH) -> str:
    return text if len(text) <= width else f"{text[: width - 1]}…"
