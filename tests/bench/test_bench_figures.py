"""From samples to figures: medians, ratios, goals, and what is printed of them."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING

import pytest
from rich.console import Console

from cluster_tests.bench.plot import draw, load_pyplot
from cluster_tests.bench.samples import DIRECT, GOALS, OPENSSH, OURS, SSHTUNNEL, Samples
from cluster_tests.bench.table import show

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def samples() -> Samples:
    """Ours: twice as slow a ping, half the throughput up, all else as good as OpenSSH's."""
    found = Samples("a far end")
    for measure in ("ping", "connect", "ping_tcp", "connect_tcp"):
        found.add(measure, OPENSSH, [0.0001, 0.0003, 0.0002])
        found.add(measure, OURS, [0.0004] if measure == "ping" else [0.0002])
        found.add(measure, DIRECT, [0.00005])
    for measure in ("down", "up"):
        found.add(measure, OPENSSH, [200e6])
        found.add(measure, OURS, [100e6 if measure == "up" else 300e6])
        found.add(measure, SSHTUNNEL, [50e6])
    for count, seconds in ((4, 0.1), (16, 0.4), (64, 1.5)):
        found.add(f"open_{count}", OURS, [seconds])
        found.add(f"rss_{count}", OURS, [count / 2])
        found.add(f"threads_{count}", OURS, [2 * count])
    return found


def printed(samples: Samples) -> list[str]:
    text = io.StringIO()
    show(samples, Console(file=text, width=80))
    return text.getvalue().splitlines()


def test_the_json_has_the_keys_that_were_agreed(samples: Samples) -> None:
    figures = samples.as_json()
    assert json.loads(json.dumps(figures)) == figures
    assert {key: value for key, value in figures.items() if key != "medians"} == {
        "ping_ratio": 2.0,
        "connect_ratio": 1.0,
        "down_ratio": 1.5,
        "up_ratio": 0.5,
        "open_4_s": 0.1,
        "open_16_s": 0.4,
        "open_64_s": 1.5,
        "rss_64_mb": 32.0,
        "threads_64": 128.0,
        "far_end": "a far end",
    }
    medians = figures["medians"]
    assert isinstance(medians, dict)
    assert medians["ping"] == {"unit": "µs", OURS: 400.0, OPENSSH: 200.0, DIRECT: 50.0}
    assert medians["up"] == {"unit": "MB/s", OURS: 100.0, OPENSSH: 200.0, SSHTUNNEL: 50.0}


def test_a_goal_is_met_at_its_limit_and_missed_beyond(samples: Samples) -> None:
    limits = {goal.key: (goal.is_met_by(goal.limit), str(goal)) for goal in GOALS}
    assert limits == {
        "ping_ratio": (True, "≤ 1.1"),
        "connect_ratio": (True, "≤ 1.5"),
        "down_ratio": (True, "≥ 0.9"),
        "up_ratio": (True, "≥ 0.9"),
        "open_64_s": (True, "≤ 3"),
        "rss_64_mb": (True, "≤ 150"),
    }
    met = {goal.key: goal.is_met_by(samples.figure(goal) or 0) for goal in GOALS}
    assert [key for key in met if not met[key]] == ["ping_ratio", "up_ratio"]


def test_the_table_says_which_goals_are_missed_and_what_was_not_measured(samples: Samples) -> None:
    del samples.found["open_64"]
    lines = printed(samples)
    assert [
        line.split()[-1] for line in lines if line.startswith(("ping_ratio", "down_ratio"))
    ] == [
        "missed",
        "met",
    ]
    assert [line.split()[-2:] for line in lines if line.startswith("open_64_s")] == [
        ["not", "measured"]
    ]
    ping = next(line for line in lines if line.startswith("ping (µs)"))
    assert ping.split() == ["ping", "(µs)", "400", "200", "-", "-", "50", "2.00", "-"]


def test_the_plot_is_small_and_the_same_for_the_same_figures(
    samples: Samples, tmp_path: Path
) -> None:
    pyplot = load_pyplot()
    for name in ("one.svg", "two.svg"):
        draw(samples, tmp_path / name, pyplot)
    drawn = (tmp_path / "one.svg").read_bytes()
    assert drawn == (tmp_path / "two.svg").read_bytes()
    assert b"latency" in drawn
    assert len(drawn) < 100_000
