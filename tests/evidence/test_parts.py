"""Of a handler's log, evidence keeps what was written since the application moved in."""

from __future__ import annotations

from datetime import datetime

from cluster_tests.evidence.parts import _since

LINES = [
    "2026-11-21T15:05:25.190Z an-id INFO of an earlier one",
    "  goes on",
    "2026-11-21T15:05:26.000Z an-id ERROR of this one",
    "  goes on",
]


def at(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def test_lines_without_a_time_belong_to_the_line_before() -> None:
    assert _since(LINES, at("2026-11-21T15:05:26+00:00")) == "\n".join(LINES[2:])


def test_a_log_that_is_all_older_gives_nothing() -> None:
    assert _since(LINES, at("2026-11-21T15:05:27+00:00")) == ""
