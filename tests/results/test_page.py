"""report.html as text: complete, honest about what was not measured, and safe."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from html.parser import HTMLParser
from typing import TYPE_CHECKING

import pytest
from synthetic import HOSTILE, KEPT, NODES, a_run, a_scenario, a_switch, a_tour

from cluster_tests.history.store import History
from cluster_tests.history.values import Standing
from cluster_tests.model import switches
from cluster_tests.reporting.charts import charts, lines
from cluster_tests.reporting.matrix import matrix
from cluster_tests.reporting.page import page
from cluster_tests.reporting.tracks import packed
from cluster_tests.results.reader import read_results
from cluster_tests.results.values import Downtime, Event, Kept, Results, SentenceRecord, StepError
from cluster_tests.results.verdict import Verdict

if TYPE_CHECKING:
    from pathlib import Path

NOTHING = Standing()


class Parsed(HTMLParser):
    """Elements with their attributes, text outside of script and style, and the raw rest."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.raw: dict[str, list[str]] = {"script": [], "style": []}
        self.text = ""
        self._inside = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self._inside = tag

    def handle_endtag(self, _tag: str) -> None:
        self._inside = ""

    def handle_data(self, data: str) -> None:
        if self._inside in self.raw:
            self.raw[self._inside].append(data)
        else:
            self.text += data

    def attributes(self, name: str) -> list[str]:
        values = (found.get(name) for _, found in self.elements)
        return [value for value in values if value]


def parsed(results: Results, standing: Standing = NOTHING) -> Parsed:
    return Parsed(page(results, standing))


def test_nothing_is_loaded_from_anywhere(tmp_path: Path) -> None:
    a_tour(tmp_path / "r", limit=60)
    found = parsed(read_results(tmp_path / "r"))
    assert not {"link", "img", "iframe", "object"} & {tag for tag, _ in found.elements}
    assert found.attributes("src") == []
    hrefs = found.attributes("href")
    assert "#failures" in hrefs
    assert any(href.startswith("./evidence/") for href in hrefs)
    assert {href for href in hrefs if href[0] not in "#."} == {"junit.xml", "summary.md"}
    assert "@import" not in "".join(found.raw["style"])
    assert "url(" not in "".join(found.raw["style"])


def test_the_policy_names_the_one_script_and_the_one_style() -> None:
    found = parsed(Results(a_run(), (a_scenario(),)))
    [policy] = [each for each in found.attributes("content") if "default-src" in each]
    for kind in ("script", "style"):
        [raw] = found.raw[kind]
        digest = base64.b64encode(hashlib.sha256(raw.encode()).digest()).decode()
        assert f"{kind}-src 'sha256-{digest}'" in policy
    assert policy.startswith("default-src 'none'")
    assert found.attributes("style") == []
    assert not [name for _, each in found.elements for name in each if name.startswith("on")]


def test_every_link_within_the_page_leads_somewhere(tmp_path: Path) -> None:
    a_tour(tmp_path / "r", limit=60)
    found = parsed(read_results(tmp_path / "r"))
    ids = found.attributes("id")
    assert len(set(ids)) == len(ids)
    wanted = {href[1:] for href in found.attributes("href") if href.startswith("#")}
    assert len(wanted) > 60
    assert wanted <= set(ids)


def test_evidence_is_listed_by_node_and_what_is_missing_is_told_once() -> None:
    scenario = a_scenario(Verdict.FAIL, evidence="evidence/x y")
    found = parsed(Results(a_run(), (scenario,), evidence={"evidence/x y": KEPT}))
    hrefs = found.attributes("href")
    assert "./evidence/x%20y/core2/consul.log" in hrefs
    assert "./evidence/x%20y/observation.txt" in hrefs
    assert not [href for href in hrefs if "core4" in href]
    assert "Evidence of all nodes, core1, core2, core3, core4" in found.text
    assert f"missing caddy.json, consul.log: {HOSTILE}" in " ".join(found.text.split())
    assert "disk.txt: NodeError: core4: the engine does not answer" in found.text
    assert "to mend it" not in found.text


def test_evidence_that_was_not_listed_is_a_link_to_where_it_is() -> None:
    scenario = a_scenario(Verdict.FAIL, evidence="evidence/x")
    found = parsed(Results(a_run(), (scenario,), evidence={"evidence/x": ()}))
    assert "./evidence/x" in found.attributes("href")
    assert "Evidence of" not in found.text


def test_hostile_text_stays_text_everywhere() -> None:
    names = {"id": HOSTILE, "class_name": HOSTILE, "file": HOSTILE, "case": HOSTILE}
    scenario = a_scenario(
        Verdict.FAIL,
        **names,
        example=HOSTILE,
        repeat=HOSTILE,
        evidence=f"evidence/{HOSTILE}",
        sentences=(SentenceRecord(HOSTILE, Verdict.FAIL, HOSTILE),),
        errors=(StepError(HOSTILE, Verdict.FAIL, HOSTILE),),
        switches=(a_switch(before=HOSTILE, timeline="t", traces=(HOSTILE,)),),
    )
    run = a_run(cluster=HOSTILE, version=HOSTILE, errors=(HOSTILE,), planned=(HOSTILE, "b"))
    events = (Event(1, HOSTILE, HOSTILE, HOSTILE),)
    kept = {f"evidence/{HOSTILE}": (Kept(HOSTILE, HOSTILE, 1, 1), Kept("", "x", 0, 1, HOSTILE))}
    found = parsed(Results(run, (scenario,), {"t": events}, kept))
    tags = [tag for tag, _ in found.elements]
    assert tags.count("img") == 0
    [timeline, own] = found.raw["script"]
    assert json.loads(timeline)["texts"] == [HOSTILE]
    assert "owned" not in own
    assert found.text.count("onerror=alert(1)") > 10


@pytest.mark.parametrize(
    ("verdict", "words"),
    [
        (Verdict.PASS, "Passed"),
        (Verdict.FAIL, "Failed"),
        (Verdict.UNKNOWN, "Unknown"),
        (Verdict.INFRASTRUCTURE, "the nodes are not fit"),
        (Verdict.INTERRUPTED, "Interrupted"),
        (None, "Not ended"),
    ],
)
def test_the_verdict_is_the_first_word(verdict: Verdict | None, words: str) -> None:
    text = page(Results(a_run(verdict=verdict, ended=None), (a_scenario(),)), NOTHING)
    assert words in text.partition("<h1>")[2].partition("</h1>")[0]
    if verdict is not Verdict.PASS:
        assert "Everything held" not in text


def tiles(results: Results) -> dict[str, str]:
    text = page(results, NOTHING)
    pattern = r'class="name">([^<]*)</span> <span class="value[^"]*">([^<]*)<'
    return {name.replace("&#39;", "'"): value for name, value in re.findall(pattern, text)}


def test_the_answer_counts_what_was_measured() -> None:
    bad = a_switch(seconds=9, downtime={"ssh": Downtime(7.5)}, writes=None, settled=False)
    scenario = a_scenario(switches=(a_switch(), bad))
    found = tiles(Results(a_run(), (scenario,)))
    assert found["switches"] == "2"
    assert found["kinds of switch"] == "1 of 19"
    assert found["acknowledged writes"] == "90"
    assert found["lost writes"] == "0"
    assert found["worst downtime"] == "7.50 s"
    assert found["the harness's own time"] == "9%"


def test_what_was_not_measured_is_never_0() -> None:
    switch = a_switch(writes=None, downtime=None)
    found = tiles(Results(a_run(share=None), (a_scenario(switches=(switch,)),)))
    for name in ("acknowledged writes", "lost writes", "worst downtime", "the harness's own time"):
        assert found[name] == "not measured"
    assert found["switches"] == "1"


@pytest.mark.parametrize(
    ("settled", "note"),
    [
        ((True, True), "median 2.25 s to settle"),
        ((True, False), "median 2.25 s to settle · 1 did not settle"),
        ((False,), "1 did not settle"),
    ],
)
def test_the_answer_tells_what_settled(settled: tuple[bool, ...], note: str) -> None:
    switches = tuple(a_switch(settled=each) for each in settled)
    text = page(Results(a_run(), (a_scenario(switches=switches),)), NOTHING)
    assert f'<span class="note">{note}</span>' in text


def test_failures_come_before_everything_else() -> None:
    scenarios = (a_scenario(), a_scenario(Verdict.FAIL, example="bad"))
    text = page(Results(a_run(verdict=Verdict.FAIL), scenarios), NOTHING)
    assert text.index("record 17 is lost") < text.index('id="scenarios"')
    assert "Nothing failed" not in text


def test_an_empty_run_is_a_page_too() -> None:
    text = page(Results(a_run(nodes=(), planned=("x",)), ()), NOTHING)
    assert "1 planned scenarios did not run" in text
    assert 'id="matrix"' not in text


def test_the_matrix_has_a_cell_for_each_of_the_288_switches(tmp_path: Path) -> None:
    results = a_tour(tmp_path / "r")
    drawn = matrix(results)
    assert drawn is not None
    assert len(drawn.heads) == len(drawn.rows) == 17
    cells = [cell for row in drawn.rows for cell in row.cells]
    assert len(cells) == 289
    assert [cell.tone for cell in cells].count("void") == 1
    titles = {cell.title.partition(": ")[2].partition(":")[0] for cell in cells if cell.mark}
    assert titles == {str(switch) for switch in switches(NODES)}
    assert max(cell.shade for cell in cells) == 9
    assert drawn.measure == "downtime"


def test_a_cell_shows_the_worst_of_its_switches() -> None:
    slow = {"http": Downtime(4.0)}
    scenarios = (
        a_scenario(switches=(a_switch(downtime=slow),)),
        a_scenario(Verdict.FAIL, switches=(a_switch(Verdict.FAIL),)),
    )
    drawn = matrix(Results(a_run(), scenarios))
    assert drawn is not None
    [cell] = [cell for row in drawn.rows for cell in row.cells if cell.mark]
    assert (cell.tone, cell.mark, cell.text, cell.scenario) == ("fail", "✗", "4.0", 1)
    assert "2 times" in cell.title


def test_a_switch_that_nobody_could_judge_has_its_cell() -> None:
    lost = a_scenario(Verdict.UNKNOWN, kind="swap", case="core1/core2 => core2/core1", sentences=())
    drawn = matrix(Results(a_run(), (lost,)))
    assert drawn is not None
    [cell] = [cell for row in drawn.rows for cell in row.cells if cell.mark]
    assert (cell.tone, cell.mark, cell.text) == ("unknown", "?", "")


def test_without_downtime_the_time_to_settle_is_drawn_and_said() -> None:
    results = Results(a_run(nodes=()), (a_scenario(switches=(a_switch(downtime=None),)),))
    drawn = matrix(results)
    assert drawn is not None
    assert "downtime was not measured" in drawn.measure
    assert [head for head, _ in drawn.heads] == ["-", "1", "2", "1/2", "2/1"]
    assert [chart.name for chart in charts(results)] == ["Time to settle"]
    assert "Downtime: not measured." in page(results, NOTHING)


def test_dots_are_placed_on_an_axis_that_holds_them_all() -> None:
    made = tuple(a_switch(seconds=seconds) for seconds in (0.5, 3.0, 7.3))
    chart = charts(Results(a_run(), (a_scenario(switches=made),)))[1]
    assert [text for _, text in chart.ticks] == ["0 s", "2 s", "4 s", "6 s", "8 s"]
    [strip] = chart.strips
    assert [dot.left for dot in strip.dots] == [6.25, 37.5, 91.25]
    assert strip.middle == 37.5
    assert charts(Results(a_run(), ())) == ()


def test_a_line_over_runs_leaves_out_what_was_not_measured(tmp_path: Path) -> None:
    history = History(tmp_path)
    for number, away in enumerate((None, 2.0, 1.0)):
        downtime = away and {"http": Downtime(away)}
        run = a_run(f"r{number}", started=f"2026-11-2{number}T00:00:00+00:00")
        history.add(Results(run, (a_scenario(switches=(a_switch(downtime=downtime),)),)))
    [line] = [each for each in lines(history.runs(last=9)) if each.name == "worst downtime"]
    assert line.points == "50.00,8.00 100.00,54.00"
    assert (line.last, line.best, line.worst, line.gaps) == ("1.00 s", "1.00 s", "2.00 s", 1)
    assert lines(history.runs(last=1)) == ()


def test_a_timeline_is_packed_small() -> None:
    happened = [
        Event(10.0, "spec", "wait", until=12.5),
        Event(10.25, "agent", "stop", "core2", 10.5, failed=True),
        Event(11.0, "odd", "wait", "core1"),
    ]
    small = packed(happened)
    assert small["events"] == [
        [0, -1, 0, 2500, 0, 0],
        [2, 1, 250, 250, 1, 1],
        [9, 0, 1000, 0, 0, 0],
    ]
    assert small["texts"] == ["wait", "stop"]
    assert small["nodes"] == ["core1", "core2"]
