"""Splits the spec classes into shards: every class in exactly one, all about equally long.

The split follows from the names and the durations alone. Machines that know other durations would
split otherwise: so a split has a fingerprint, and results of different splits are not merged.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

from cluster_tests.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping


@dataclass(frozen=True)
class Shard:
    """Number ``number`` (from 1) of ``count`` shards."""

    number: int
    count: int

    def __str__(self) -> str:
        """Print as it is asked for: ``1/3``."""
        return f"{self.number}/{self.count}"


@dataclass(frozen=True)
class Split:
    """What is in each shard, and about how long it takes: seconds, None if nothing is known."""

    shards: tuple[frozenset[str], ...]
    seconds: tuple[float, ...] | None

    @property
    def fingerprint(self) -> str:
        """The same for two splits if and only if every shard holds the same."""
        text = "\n".join(" ".join(sorted(shard)) for shard in self.shards)
        return hashlib.sha256(text.encode()).hexdigest()[:12]


def parse_shard(text: str) -> Shard:
    """Read ``I/N``; raise ``UsageError`` for anything else."""
    number, slash, count = text.partition("/")
    if slash and number.isdecimal() and count.isdecimal() and 1 <= int(number) <= int(count):
        return Shard(int(number), int(count))
    raise UsageError(
        f"{text!r} is no shard", remedy="write I/N, with I from 1 to N: --shard 1/3, for instance"
    )


def split(ids: Collection[str], count: int, durations: Mapping[str, float]) -> Split:
    """Spread ``ids`` over ``count`` shards: the longest first, each to where least is yet.

    ``durations`` are seconds; what is not in it counts as their median.
    """
    known = [durations[each] for each in ids if each in durations]
    usual = median(known) if known else 1.0
    cost = {each: durations.get(each, usual) for each in ids}
    shards: list[set[str]] = [set() for _ in range(count)]
    loads = [0.0] * count
    for each in sorted(cost, key=lambda name: (-cost[name], name)):
        # The count of names breaks ties: durations of 0 must not all go to the first.
        lightest = min(range(count), key=lambda place: (loads[place], len(shards[place])))
        shards[lightest].add(each)
        loads[lightest] += cost[each]
    return Split(tuple(map(frozenset, shards)), tuple(loads) if known else None)
