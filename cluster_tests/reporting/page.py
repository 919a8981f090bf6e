"""report.html: one file with everything in it, from templates/.

The page may load and run nothing but its own script and style: a Content-Security-Policy names both
by their hashes, so that text from a cluster which looks like markup stays text twice over.
"""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from cluster_tests import __version__
from cluster_tests.reporting import words
from cluster_tests.reporting.answer import answer
from cluster_tests.reporting.charts import charts, lines
from cluster_tests.reporting.kept import shelves
from cluster_tests.reporting.matrix import SHADES, away, matrix
from cluster_tests.reporting.tracks import packed
from cluster_tests.results.verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cluster_tests.history.values import Standing
    from cluster_tests.results.values import Event, Results, RunRecord, ScenarioRecord

_TEMPLATES = Path(__file__).with_name("templates")


@dataclass(frozen=True)
class Numbered:
    """A scenario with its place in the run, by which the page's links find it."""

    number: int
    scenario: ScenarioRecord


@dataclass(frozen=True)
class Group:
    """The scenarios of one file, and how many of each verdict there are."""

    file: str
    scenarios: tuple[Numbered, ...]


def page(results: Results, standing: Standing) -> str:
    """Write a run as one HTML file."""
    scenarios = [Numbered(number, each) for number, each in enumerate(results.scenarios)]
    style, script = _asset("style.css"), _asset("script.js")
    return (
        _environment()
        .get_template("page.html.j2")
        .render(
            results=results,
            run=results.run,
            standing=standing,
            answer=answer(results),
            matrix=matrix(results),
            shades=range(SHADES + 1),
            charts=charts(results),
            lines=lines(standing.trend),
            failed=_with(scenarios, Verdict.FAIL),
            doubtful=_with(scenarios, Verdict.UNKNOWN),
            groups=_groups(scenarios),
            lasted=_lasted(results.run),
            style=Markup(style),  # noqa: S704 - our own file, named by its hash in the policy
            script=Markup(script),  # noqa: S704 - the same
            policy=f"default-src 'none'; style-src {_hash(style)}; script-src {_hash(script)};"
            " base-uri 'none'; form-action 'none'",
            made_by=f"cluster-tests {__version__}",
        )
    )


def _with(scenarios: Sequence[Numbered], verdict: Verdict) -> list[Numbered]:
    return [each for each in scenarios if each.scenario.verdict is verdict]


def _groups(scenarios: Sequence[Numbered]) -> list[Group]:
    in_order = sorted(scenarios, key=lambda each: each.scenario.file)  # stable: the run's order
    files = groupby(in_order, key=lambda each: each.scenario.file)
    return [Group(file, tuple(found)) for file, found in files]


def _lasted(run: RunRecord) -> str:
    if run.ended is None:
        return words.NOT_MEASURED
    begin, end = datetime.fromisoformat(run.started), datetime.fromisoformat(run.ended)
    return words.seconds((end - begin).total_seconds())


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        seconds=words.seconds,
        count=words.count,
        percent=words.percent,
        title_of=words.title,
        mark=words.MARKS.__getitem__,
        away=away,
        when=_when,
        link=_link,
        shelves=shelves,
        track=_track,
    )
    return environment


def _when(text: str) -> str:
    return f"{datetime.fromisoformat(text):%Y-%m-%d %H:%M:%S} UTC"


def _link(path: str) -> str:
    """Make a path below the run's directory a link that can lead nowhere else."""
    return "./" + quote(path)


def _track(events: Sequence[Event]) -> Markup:
    """Write a timeline as JSON; with no ``<`` in it, it cannot end the element it is in."""
    text = json.dumps(packed(events), separators=(",", ":"), ensure_ascii=False)
    return Markup(text.replace("<", "\\u003c"))  # noqa: S704 - said above


def _asset(name: str) -> str:
    return (_TEMPLATES / name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    """Name an inline script or style in a policy (CSP Level 3, section 6.7.3.3)."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
