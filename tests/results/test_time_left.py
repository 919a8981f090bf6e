"""What is left of a run: by earlier runs, else by this one, else nobody can say."""

from __future__ import annotations

import pytest

from cluster_tests.history.time_left import TimeLeft, in_words


def test_nothing_is_said_before_there_is_anything_to_reckon_with() -> None:
    left = TimeLeft(["a", "b"], {"another": 9.0})
    assert left.seconds(0) is None
    left.begin("a", 0)
    assert left.seconds(5) is None


def test_without_a_history_the_mean_of_this_run_counts() -> None:
    left = TimeLeft("abcd", {})
    left.begin("a", 0)
    left.end(10)
    left.begin("b", 10)
    left.end(30)
    left.begin("c", 30)
    assert left.seconds(30) == 30
    assert left.seconds(36) == 24


def test_what_is_not_typical_is_not_learned_from() -> None:
    left = TimeLeft("ab", {})
    left.begin("a", 0)
    left.end(1, typical=False)
    left.begin("b", 1)
    assert left.seconds(1) is None


def test_earlier_runs_count_and_their_median_for_what_they_do_not_know() -> None:
    left = TimeLeft("abcd", {"a": 10.0, "b": 20.0, "c": 60.0})
    left.begin("a", 0)
    assert left.seconds(4) == 6 + 20 + 60 + 20


def test_what_is_not_known_takes_what_this_run_has_shown() -> None:
    left = TimeLeft("abc", {"a": 10.0, "b": 20.0})
    left.begin("a", 0)
    left.end(100)
    left.begin("c", 100)
    assert left.seconds(100) == 100 + 20


def test_what_is_overdue_ends_any_moment() -> None:
    left = TimeLeft("ab", {"a": 10.0, "b": 20.0})
    left.begin("a", 0)
    assert left.seconds(99) == 20


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (None, ""),
        (0.0, ""),
        (0.1, "about 5 s left"),
        (38.0, "about 40 s left"),
        (89.9, "about 90 s left"),
        (90.0, "about 2 min left"),
        (5369.0, "about 89 min left"),
        (5400.0, "about 1 h 30 min left"),
        (7500.0, "about 2 h 05 min left"),
    ],
)
def test_it_is_said_no_more_exactly_than_it_is_known(seconds: float | None, words: str) -> None:
    assert in_words(seconds) == words
