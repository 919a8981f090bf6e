"""How far a node's clock is from ours."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cluster_tests.timeline.clocks import Offset, measure

if TYPE_CHECKING:
    from collections.abc import Iterator


def test_an_offset_is_in_the_middle_and_as_exact_as_the_answer_was_quick() -> None:
    ours = iter([100.0, 100.4])
    offset = measure(lambda: 107.2, rounds=1, clock=lambda: next(ours))
    assert offset.seconds == pytest.approx(7.0)
    assert offset.uncertainty == pytest.approx(0.2)
    assert offset.ours(107.0) == pytest.approx(100.0)


def test_the_quickest_answer_counts() -> None:
    def readings() -> Iterator[float]:
        yield from (0.0, 1.0, 2.0, 2.1, 3.0, 3.8)

    ours, theirs = readings(), iter([5.5, 12.05, 8.0])
    offset = measure(lambda: next(theirs), rounds=3, clock=lambda: next(ours))
    assert offset.seconds == pytest.approx(10.0)
    assert offset.uncertainty == pytest.approx(0.05)


def test_it_is_told_in_milliseconds() -> None:
    assert str(Offset(0.001, 0.003)) == "+2.0 ms, give or take 1.0 ms"
