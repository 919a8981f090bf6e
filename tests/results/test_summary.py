"""The summary in Markdown: short, complete where it matters, and text that stays text."""

from __future__ import annotations

from synthetic import HOSTILE, a_run, a_scenario, a_switch

from cluster_tests.history.values import Flaky, Scenario, Slower, Standing
from cluster_tests.reporting.summary import summary
from cluster_tests.results.values import Results, SentenceRecord
from cluster_tests.results.verdict import Verdict

NOTHING = Standing()


def test_it_begins_with_the_answer() -> None:
    text = summary(Results(a_run(), (a_scenario(switches=(a_switch(),)),)), NOTHING)
    assert text.startswith("# ✓ Passed: lab\n\nEverything held: 1 scenarios.")
    assert "| lost writes | 0 |" in text
    assert (
        "| worst downtime | 1.25 s | swap, core1/core2 =\\> core2/core1, http through core3 |"
        in text
    )
    assert "## Failed" not in text


def test_what_was_not_measured_is_said_so() -> None:
    text = summary(Results(a_run(share=None), (a_scenario(),)), NOTHING)
    assert text.count("| not measured |") == 4


def test_failures_are_told_with_the_command_that_repeats_them() -> None:
    text = summary(Results(a_run(verdict=Verdict.FAIL), (a_scenario(Verdict.FAIL),)), NOTHING)
    assert "## Failed\n\n### When a thing happens" in text
    assert "```\ncore3: over HTTP: record 17 is lost\n```" in text
    assert "```\nrun-contexts specs/a_specs.py:WhenAThingHappens -v -s --seed 4711\n```" in text


def test_more_failures_than_fit_are_counted() -> None:
    scenarios = tuple(a_scenario(Verdict.FAIL, example=str(each)) for each in range(25))
    text = summary(Results(a_run(verdict=Verdict.FAIL), scenarios), NOTHING)
    assert text.count("### ") == 20
    assert "… and 5 more" in text


def test_news_are_told() -> None:
    thing = Scenario("a-thing", "2")
    standing = Standing(
        new_failures=(thing,),
        flaky=(Flaky(thing, 3, 1),),
        slower=(Slower("swap", "away", 3.0, 2.0, 2.3),),
    )
    text = summary(Results(a_run(), (a_scenario(),)), standing)
    assert "## New failures\n\n- a-thing -\\> 2\n" in text
    assert "- a-thing -\\> 2: passed 3, failed 1" in text
    assert "- swap, away: 3.00 s; usually 2.00 s" in text


def test_hostile_text_stays_text() -> None:
    sentences = (SentenceRecord("should | x", Verdict.FAIL, "```\n# no heading\n````"),)
    scenario = a_scenario(Verdict.FAIL, sentences=sentences, kind="swap", case=HOSTILE)
    text = summary(Results(a_run(cluster="a|b\n# c"), (scenario,)), NOTHING)
    assert "\\<script\\>" in text
    assert "<script>" not in text
    assert "`````\n```\n# no heading\n````\n`````" in text
    assert text.startswith("# ✓ Passed: a\\|b # c\n")
