"""The whole course in small: every side, every measure, with numbers that can be true."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from rich.console import Console
from typer.testing import CliRunner

from cluster_tests.bench import commands, course
from cluster_tests.bench.client import download, fresh_pings, kept_pings, upload
from cluster_tests.bench.course import Effort
from cluster_tests.bench.far_end import Addresses
from cluster_tests.bench.process import Process
from cluster_tests.bench.samples import DIRECT, OPENSSH, OURS, SAME_CIPHER, SSHTUNNEL, Samples
from cluster_tests.cli import app
from cluster_tests.errors import HarnessError
from cluster_tests.lab.progress import LineProgress

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from cluster_tests.lab.progress import Progress

ALL = {DIRECT, OURS, OPENSSH, SAME_CIPHER, SSHTUNNEL}
WITH_SOCKETS = ALL - {SSHTUNNEL}
OPENED = ALL - {DIRECT, SAME_CIPHER}


def test_every_side_is_measured_at_what_it_can_do() -> None:
    effort = Effort(rounds=1, pings=3, connects=2, load=1 << 20, openings=1, many=(2,))
    samples = course.run(effort, LineProgress(Console(quiet=True)))
    sides = {measure: set(by_side) for measure, by_side in samples.found.items()}
    assert sides == {
        "ping": WITH_SOCKETS, "connect": WITH_SOCKETS, "ping_tcp": ALL, "connect_tcp": ALL,
        "down": ALL, "up": ALL, "open_2": OPENED, "rss_2": OPENED, "threads_2": OPENED,
    }  # fmt: skip
    assert {len(found) for found in samples.found["ping"].values()} == {3}
    assert {len(found) for found in samples.found["connect"].values()} == {2}
    timed = [samples.median(measure, side) for measure in sides for side in sides[measure]
             if not measure.startswith("rss")]  # fmt: skip
    assert all(value is not None and value > 0 for value in timed)
    # Two for each host; one of those that opened them may be seen while it ends.
    assert 4 <= (samples.median("threads_2", OURS) or 0) < 8
    assert samples.median("threads_2", OPENSSH) == 2


@pytest.fixture
def far_end(tmp_path: Path) -> Iterator[Addresses]:
    with Process.of_module("cluster_tests.bench.far_end", str(tmp_path)) as process:
        yield Addresses.from_line(process.line())


def test_the_far_end_answers_pings_and_takes_and_sends_loads(far_end: Addresses) -> None:
    port = ("127.0.0.1", far_end.port)
    assert len(kept_pings(far_end.socket, 5)) == 5
    assert len(fresh_pings(port, 5)) == 5
    for count in (5 << 20, (3 << 20) + 17):
        assert download(port, count) > 0
        assert upload(port, count) > 0


def test_a_process_that_does_not_start_is_told_with_its_own_words() -> None:
    process = Process.of_module("cluster_tests.bench.no_such_program")
    with process, pytest.raises(HarnessError, match="No module named"):
        process.line()


def test_the_command_prints_json_and_nothing_else_to_stdout(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def measured(effort: Effort, progress: Progress) -> Samples:
        assert effort.rounds == 7
        progress.step("all", "measured")
        samples = Samples("a far end")
        samples.add("ping", OURS, [3.0])
        samples.add("ping", OPENSSH, [1.0])
        return samples

    monkeypatch.setattr(commands, "run", measured)
    result = CliRunner().invoke(app, ["bench", "tunnels", "--json", "--rounds", "7"])
    assert result.exit_code == 0  # though a goal is missed
    assert json.loads(result.stdout)["ping_ratio"] == 3.0
    assert "measured" in result.stderr
