"""How numbers and verdicts are written for people; what was not measured is never a 0."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cluster_tests.results.verdict import Verdict

if TYPE_CHECKING:
    from cluster_tests.results.values import ScenarioRecord

NOT_MEASURED = "not measured"
_MINUTE = 60
# By mark and not by colour alone: one in twelve men cannot tell red from green.
MARKS = {
    Verdict.PASS: "✓",
    Verdict.FAIL: "✗",
    Verdict.UNKNOWN: "?",
    Verdict.INFRASTRUCTURE: "?",
    Verdict.USAGE: "?",
    Verdict.INTERRUPTED: "?",
    None: "…",
}


def seconds(value: float | None) -> str:
    """Write a duration: ``0.42 s``, ``12.3 s``, ``3 min 52 s``."""
    if value is None:
        return NOT_MEASURED
    if value >= _MINUTE:
        minutes, rest = divmod(round(value), _MINUTE)
        return f"{minutes} min {rest:02} s"
    return f"{value:.2f} s" if value < _MINUTE / 6 else f"{value:.1f} s"


def count(value: int | None) -> str:
    """Write a number with a thin space between thousands."""
    return NOT_MEASURED if value is None else f"{value:,}".replace(",", "\u202f")


def percent(share: float | None) -> str:
    """Write a share (0 to 1)."""
    return NOT_MEASURED if share is None else f"{share:.0%}"


def title(scenario: ScenarioRecord) -> str:
    """Name a scenario: its class as a sentence, with its example."""
    words = scenario.id.replace("-", " ")
    name = f"When {words}" if scenario.class_name.startswith("When") else scenario.class_name
    return f"{name} -> {scenario.example}" if scenario.example else name
