"""JUnit XML that CI systems accept: what their common schemas ask is checked here."""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

import pytest
from synthetic import HOSTILE, a_run, a_scenario, a_switch

from cluster_tests.reporting.junit import junit
from cluster_tests.results.values import Results, SentenceRecord, StepError
from cluster_tests.results.verdict import Verdict

COUNTS = ("tests", "failures", "errors", "skipped")
MARKS = ("failure", "error", "skipped")


def parsed(results: Results) -> ET.Element:
    text = junit(results)
    assert text.startswith("<?xml version='1.0' encoding='utf-8'?>")
    root = ET.fromstring(text)  # noqa: S314 - we wrote it ourselves
    check(root)
    return root


def check(root: ET.Element) -> None:
    """Demand what Jenkins' junit-10.xsd, Surefire's schema and GitLab's parser have in common."""
    assert root.tag == "testsuites"
    assert set(root.keys()) == {"name", "time", "tests", "failures", "errors"}
    assert_counts(root)
    names = [suite.get("name") for suite in root]
    assert len(set(names)) == len(names)
    for suite in root:
        assert suite.tag == "testsuite"
        assert set(suite.keys()) == {"name", "time", "timestamp", *COUNTS}
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", suite.get("timestamp", ""))
        assert_counts(suite)
        for case in suite:
            check_case(case)


def check_case(case: ET.Element) -> None:
    assert case.tag == "testcase"
    assert set(case.keys()) == {"name", "classname", "time"}
    assert re.fullmatch(r"\d+\.\d{3}", case.get("time", ""))
    tags = [child.tag for child in case]
    assert tags in ([], ["failure", "system-out"], ["error", "system-out"], ["error"], ["skipped"])
    for child in case:
        assert child.tag == "system-out" or child.get("message")


def assert_counts(element: ET.Element) -> None:
    cases = list(element.iter("testcase"))
    found = {"tests": len(cases)}
    for count, mark in zip(COUNTS[1:], MARKS, strict=True):
        found[count] = len(list(element.iter(mark)))
    told = {count: int(element.get(count, "-1")) for count in COUNTS if element.get(count)}
    assert told == {count: found[count] for count in told}
    assert set(COUNTS[:3]) <= set(told)


def test_a_suite_for_each_file_and_a_case_for_each_sentence() -> None:
    other = a_scenario(file="specs/b_specs.py", id="other")
    root = parsed(Results(a_run(), (a_scenario(), a_scenario(example="2"), other)))
    assert [(suite.get("name"), suite.get("tests")) for suite in root] == [
        ("specs/a_specs.py", "4"),
        ("specs/b_specs.py", "2"),
    ]
    case = root[0][2]
    assert case.get("classname") == "When a thing happens -> 2"
    assert case.get("name") == "should settle"
    assert case.get("time") == "0.100"
    assert root[0].get("time") == "3.000"
    assert root.get("time") == "4.500"


def test_what_failed_says_why_and_how_to_repeat_it() -> None:
    scenario = a_scenario(Verdict.FAIL, switches=(a_switch(),), evidence="evidence/x")
    root = parsed(Results(a_run(), (scenario,)))
    [failure] = root.iter("failure")
    assert failure.get("message") == "core3: over HTTP: record 17 is lost"
    out = root.findtext(".//system-out", "")
    assert "to repeat it: run-contexts specs/a_specs.py:WhenAThingHappens" in out
    assert "evidence: evidence/x" in out
    assert "core1/core2 => core2/core1: 2.25 s" in out


@pytest.mark.parametrize("message", ["", "\n", "\n  expected this\n  found that"])
def test_a_failure_without_a_first_line_says_something_all_the_same(message: str) -> None:
    sentences = (SentenceRecord("should hold", Verdict.FAIL, message),)
    root = parsed(Results(a_run(), (a_scenario(Verdict.FAIL, sentences=sentences),)))
    [failure] = root.iter("failure")
    assert failure.get("message") == (message.strip().partition("\n")[0] or "fail")


def test_what_could_not_be_judged_is_an_error_and_no_failure() -> None:
    errors = (StepError("given", Verdict.UNKNOWN, "core2: no answer"),)
    root = parsed(Results(a_run(), (a_scenario(errors=errors, sentences=()),)))
    assert (root.get("errors"), root.get("failures")) == ("1", "0")
    [case] = root.iter("testcase")
    assert case.get("name") == "given"
    assert case.findtext("error") == "core2: no answer"


def test_a_context_that_asked_nothing_is_no_success() -> None:
    root = parsed(Results(a_run(), (a_scenario(Verdict.UNKNOWN, sentences=()),)))
    assert root.findtext(".//error") == "nothing was asked"


def test_what_did_not_run_is_skipped_and_errors_of_the_run_are_there() -> None:
    root = parsed(Results(a_run(planned=("x-happens",), errors=("line 1\nline 2",)), ()))
    [suite] = root
    assert (suite.get("name"), suite.get("skipped"), suite.get("errors")) == (
        "the run itself",
        "1",
        "1",
    )
    assert suite.findtext(".//error") == "line 1\nline 2"


def test_shards_with_the_same_scenario_are_told_apart() -> None:
    scenarios = (a_scenario(shard="1/2"), a_scenario(shard="2/2"))
    names = {case.get("classname") for case in parsed(Results(a_run(), scenarios)).iter("testcase")}
    assert names == {"When a thing happens (shard 1/2)", "When a thing happens (shard 2/2)"}


@pytest.mark.parametrize("text", [HOSTILE, "\ufffe\ud800\x0b", "]]>", '"&quot;'])
def test_no_text_breaks_the_file(text: str) -> None:
    sentences = (SentenceRecord(text, Verdict.FAIL, text),)
    scenario = a_scenario(
        Verdict.FAIL, file=text, repeat=text, example=text, sentences=sentences, id=text
    )
    root = parsed(Results(a_run(errors=(text,), planned=(text, "b")), (scenario,)))
    assert len(list(root.iter("failure"))) == 1
    assert not list(root.iter("script"))
