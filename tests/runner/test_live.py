"""What the live line is made of, and that it fits."""

from __future__ import annotations

import pytest

from cluster_tests.live import HowFar, LiveLine, cut

HOW_FAR = HowFar("12/79 · 1 failed", "When a pair moves past caddy")
DOING = "core1 => core2: settling … 4 s"


@pytest.fixture
def line() -> LiveLine:
    line = LiveLine()
    line.tell(lambda: HOW_FAR, None)
    return line


def test_without_a_run_it_says_what_is_being_done() -> None:
    assert LiveLine().text(DOING, 80) == f"    {DOING}"


def test_in_a_run_it_says_how_far_that_is(line: LiveLine) -> None:
    whole = f"    {HOW_FAR.counts} · {HOW_FAR.scenario} · {DOING}"
    assert line.text(DOING, len(whole) + 3) == whole
    line.forget()
    assert line.text(DOING, 80) == f"    {DOING}"


def test_where_it_is_narrow_the_scenario_gives_way_first(line: LiveLine) -> None:
    assert line.text(DOING, 71) == f"    {HOW_FAR.counts} · When … caddy · {DOING}"
    assert line.text(DOING, 70) == f"    {HOW_FAR.counts} · {DOING}"


def test_no_width_makes_it_wrap_and_there_is_room_for_what_ctrl_c_echoes(line: LiveLine) -> None:
    for columns in range(200):
        assert len(line.text(DOING, columns)) <= max(columns - 3, 0), columns


@pytest.mark.parametrize(
    ("room", "left"),
    [(0, ""), (1, ""), (2, "…g"), (3, "a…g"), (4, "a…fg"), (6, "ab…efg"), (7, "abcdefg")],
)
def test_the_middle_goes(room: int, left: str) -> None:
    assert cut("abcdefg", room) == left
