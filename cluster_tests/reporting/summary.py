"""A summary in Markdown (CommonMark with tables), for a pull request or a CI job's page."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from cluster_tests.reporting.answer import answer
from cluster_tests.reporting.words import seconds, title
from cluster_tests.results.verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from cluster_tests.history.values import Standing
    from cluster_tests.results.values import Results, ScenarioRecord

_SHOWN = 20  # failures that are told in full; the report has them all
# What begins something in Markdown or HTML; a number sign and the like only do at a line's start.
_MEANING = re.compile(r"([\\`*_\[\]<>|&~])")


def summary(results: Results, standing: Standing) -> str:
    """Write a run as Markdown."""
    return "\n".join([*_head(results), *_failures(results), *_news(standing)]) + "\n"


def _head(results: Results) -> Iterator[str]:
    run, said = results.run, answer(results)
    yield f"# {said.mark} {said.headline}: {_plain(run.cluster or 'no cluster')}"
    yield ""
    yield f"{_plain(said.reason)} Version under test: {_plain(run.version or 'not told')}."
    yield ""
    yield "| | | |"
    yield "| --- | ---: | --- |"
    for tile in said.tiles:
        yield f"| {tile.name} | {tile.value} | {_plain(tile.note)} |"
    yield ""
    yield f"Run {run.run_id}; `report.html` beside this file shows every scenario."


def _failures(results: Results) -> Iterator[str]:
    for verdict, name in ((Verdict.FAIL, "Failed"), (Verdict.UNKNOWN, "Could not be judged")):
        found = [each for each in results.scenarios if each.verdict is verdict]
        if found:
            yield f"\n## {name}"
        for scenario in found[:_SHOWN]:
            yield from _scenario(scenario)
        if len(found) > _SHOWN:
            yield f"\n… and {len(found) - _SHOWN} more: see the report."
    if results.run.errors:
        yield "\n## Errors of the run itself"
        yield from (f"\n{_fenced(error)}" for error in results.run.errors)


def _scenario(scenario: ScenarioRecord) -> Iterator[str]:
    yield f"\n### {_plain(title(scenario))}"
    if scenario.kind:
        yield f"\n{scenario.kind}: {_plain(scenario.case)}"
    for error in scenario.errors:
        yield f"\n{_plain(error.step)}:\n\n{_fenced(error.message)}"
    for sentence in scenario.sentences:
        if sentence.verdict is not Verdict.PASS:
            yield f"\n{_plain(sentence.name)}:\n\n{_fenced(sentence.message)}"
    traces = [trace for switch in scenario.switches for trace in switch.traces]
    if traces:
        yield "\nlost writes:\n\n" + _fenced("\n".join(traces))
    if scenario.evidence:
        yield f"\nEvidence: {_plain(scenario.evidence)}"
    yield f"\nTo repeat it:\n\n{_fenced(scenario.repeat)}"


def _news(standing: Standing) -> Iterator[str]:
    yield from _list("New failures", map(str, standing.new_failures))
    yield from _list(
        "Flaky on this version",
        (f"{each.scenario}: passed {each.passed}, failed {each.failed}" for each in standing.flaky),
    )
    yield from _list(
        "Slower than usual",
        (
            f"{each.kind}, {each.measure}: {seconds(each.now)}; usually {seconds(each.usual)}"
            for each in standing.slower
        ),
    )


def _list(name: str, items: Iterable[str]) -> Iterator[str]:
    lines = [f"- {_plain(item)}" for item in items]
    if lines:
        yield f"\n## {name}\n"
        yield from lines


def _plain(text: str) -> str:
    """Take the meaning from what would be markup, and keep it on one line."""
    return _MEANING.sub(r"\\\1", " ".join(text.split()))


def _fenced(text: str) -> str:
    """Put text into a code block that nothing inside can end (CommonMark 4.5)."""
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}\n{text}\n{fence}"
