"""The handler's log: whose errors a line tells."""

from __future__ import annotations

from cluster_tests.nodes.handler_log import errors_of, lines_of

LOG = [
    "2026-01-01T00:00:00.000Z e1 INFO deploy shop to core1",
    "2026-01-01T00:00:01.000Z e2 ERROR another event's",
    "2026-01-01T00:00:02.000Z e1 ERROR prepare: no such image",
    "2026-01-01T00:00:03.000Z - ERROR about e1, but the renderer's",
    "e1 ERROR",
    "2026-01-01T00:00:04.000Z e1 INFO failed",
]


def test_errors_are_those_of_one_event() -> None:
    assert errors_of("e1", LOG) == ("prepare: no such image",)
    assert errors_of("e3", LOG) == ()


def test_lines_come_with_their_level_and_without_their_time() -> None:
    assert lines_of("e1", LOG) == (
        "INFO deploy shop to core1",
        "ERROR prepare: no such image",
        "INFO failed",
    )
