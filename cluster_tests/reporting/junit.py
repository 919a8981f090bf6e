"""JUnit XML as CI systems read it: a testsuite for each file, a testcase for each sentence.

There is no standard; the common ground of what Jenkins, GitLab, GitHub's actions and Surefire
accept is this: ``testsuites`` holds ``testsuite``s with name, tests, failures, errors, skipped,
time and timestamp; a ``testcase`` has name, classname and time, and at most one of ``failure``,
``error`` and ``skipped``, then ``system-out``. What could not be judged is an ``error``, what was
planned and did not run is ``skipped``.
"""

from __future__ import annotations

import re
from collections import defaultdict
from datetime import datetime
from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from cluster_tests.reporting.words import title
from cluster_tests.results.verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from cluster_tests.results.values import Results, ScenarioRecord

# What XML 1.0 (section 2.2) has no way to write, not even as a reference.
_UNSPEAKABLE = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_ELEMENTS = {Verdict.FAIL: "failure", Verdict.UNKNOWN: "error"}
_OF_THE_RUN = "the run itself"


def junit(results: Results) -> str:
    """Write a run as JUnit XML."""
    root = Element("testsuites", name=f"cluster-tests {results.run.run_id}")
    by_file: dict[str, list[ScenarioRecord]] = defaultdict(list)
    for scenario in results.scenarios:
        by_file[scenario.file].append(scenario)
    for file, scenarios in by_file.items():
        _suite(root, file, scenarios)
    if results.run.errors or results.not_run:
        _suite_of_the_run(root, results)
    _count(root, root.iter("testcase"))
    del root.attrib["skipped"]  # Jenkins' schema has it on a testsuite alone
    seconds = sum(float(suite.get("time", "0")) for suite in root)
    root.set("time", f"{seconds:.3f}")
    indent(root)
    return tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _suite(root: Element, file: str, scenarios: list[ScenarioRecord]) -> None:
    suite = SubElement(root, "testsuite", name=_clean(file))
    for scenario in scenarios:
        _cases(suite, scenario)
    _count(suite, suite.iter("testcase"))
    suite.set("time", f"{sum(scenario.seconds for scenario in scenarios):.3f}")
    suite.set("timestamp", _moment(scenarios[0].started))


def _cases(suite: Element, scenario: ScenarioRecord) -> None:
    name = title(scenario) + (f" (shard {scenario.shard})" if scenario.shard else "")
    for sentence in scenario.sentences:
        case = _case(suite, name, sentence.name, sentence.seconds)
        _judge(case, scenario, sentence.verdict, sentence.message)
    for error in scenario.errors:
        _judge(_case(suite, name, error.step, None), scenario, error.verdict, error.message)
    if not scenario.sentences and not scenario.errors:
        _judge(_case(suite, name, "context", None), scenario, scenario.verdict, "nothing was asked")


def _case(suite: Element, class_name: str, name: str, seconds: float | None) -> Element:
    return SubElement(
        suite,
        "testcase",
        name=_clean(name),
        classname=_clean(class_name),
        time=f"{seconds or 0:.3f}",
    )


def _judge(case: Element, scenario: ScenarioRecord, verdict: Verdict, message: str) -> None:
    kind = _ELEMENTS.get(verdict)
    if kind is None:
        return
    first = message.strip().partition("\n")[0] or verdict.value
    wrong = SubElement(case, kind, message=_clean(first), type=verdict.value)
    wrong.text = _clean(message)
    details = {"to repeat it": scenario.repeat, "evidence": scenario.evidence}
    details |= {switch.label: f"{switch.seconds:.2f} s" for switch in scenario.switches}
    SubElement(case, "system-out").text = _lines(details)


def _suite_of_the_run(root: Element, results: Results) -> None:
    suite = SubElement(root, "testsuite", name=_OF_THE_RUN, time="0.000")
    suite.set("timestamp", _moment(results.run.started))
    for number, message in enumerate(results.run.errors, start=1):
        case = _case(suite, _OF_THE_RUN, f"error {number}", None)
        error = SubElement(case, "error", message=_clean(message.partition("\n")[0]), type="error")
        error.text = _clean(message)
    for planned in results.not_run:
        case = _case(suite, planned, "planned", None)
        SubElement(case, "skipped", message="it was planned and did not run")
    _count(suite, suite.iter("testcase"))


def _count(element: Element, cases: Iterable[Element]) -> None:
    all_ = list(cases)
    element.set("tests", str(len(all_)))
    for name, child in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        element.set(name, str(sum(case.find(child) is not None for case in all_)))


def _lines(details: Mapping[str, str | None]) -> str:
    return _clean("".join(f"{name}: {value}\n" for name, value in details.items() if value))


def _moment(text: str) -> str:
    """Write a time as the strictest of the schemas has it: to the second, and without a zone."""
    return f"{datetime.fromisoformat(text):%Y-%m-%dT%H:%M:%S}"


def _clean(text: str) -> str:
    return _UNSPEAKABLE.sub("\N{REPLACEMENT CHARACTER}", text)
