"""Shards: complete, disjoint, the same everywhere, and about equally long."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from cluster_tests.errors import UsageError
from cluster_tests.grammar.shards import Shard, parse_shard, split

DURATIONS = some.dictionaries(some.text("abc-", max_size=6), some.floats(0, 1000))
IDS = some.sets(some.text("abc-", min_size=1, max_size=6), min_size=1, max_size=30)


@settings(deadline=None)
@given(
    IDS, some.integers(1, 8), some.dictionaries(some.text("abc-", max_size=6), some.floats(0, 1000))
)
def test_every_class_is_in_exactly_one_shard(
    ids: set[str], count: int, durations: dict[str, float]
) -> None:
    whole = split(ids, count, durations)
    assert len(whole.shards) == count
    assert sorted(each for shard in whole.shards for each in shard) == sorted(ids)
    backwards = split(sorted(ids, reverse=True), count, dict(reversed(durations.items())))
    assert backwards == whole
    assert backwards.fingerprint == whole.fingerprint


@settings(deadline=None)
@given(IDS, some.integers(1, 8), some.data())
def test_no_shard_is_longer_than_another_by_more_than_one_class(
    ids: set[str], count: int, data: some.DataObject
) -> None:
    durations = {each: data.draw(some.floats(0.1, 1000)) for each in sorted(ids)}
    loads = split(ids, count, durations).seconds
    assert loads is not None
    assert max(loads) - min(loads) <= max(durations.values()) * 1.000001


def test_the_longest_are_dealt_out_first() -> None:
    assert split({"a", "b", "c"}, 2, {"a": 1, "b": 1, "c": 2}).seconds == (2, 2)


def test_without_durations_the_classes_are_dealt_out() -> None:
    whole = split({"a", "b", "c", "d", "e"}, 2, {})
    assert sorted(map(len, whole.shards)) == [2, 3]
    assert whole.seconds is None


def test_classes_that_took_no_time_do_not_all_go_to_one_shard() -> None:
    ids = {"a", "b", "c", "d"}
    assert [len(shard) for shard in split(ids, 2, dict.fromkeys(ids, 0.0)).shards] == [2, 2]


def test_other_durations_make_another_split_with_another_fingerprint() -> None:
    ids = {"a", "b", "c"}
    one, other = {"a": 9, "b": 1, "c": 1}, {"a": 1, "b": 9, "c": 1}
    assert split(ids, 2, one).fingerprint != split(ids, 2, other).fingerprint


def test_a_shard_is_read_as_it_prints() -> None:
    assert str(parse_shard("2/3")) == "2/3"
    assert parse_shard("3/3") == Shard(3, 3)


@pytest.mark.parametrize("text", ["", "1", "0/3", "4/3", "1/0", "-1/3", "a/b", "1/3/5"])
def test_what_is_no_shard_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="is no shard"):
        parse_shard(text)
