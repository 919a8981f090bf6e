"""What an application serves through each node, read once and kept as values.

Reading through a node that does not serve is no error of the suite: what went wrong is kept in
place of the value, for a sentence to compare.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeVar

from cluster_tests.errors import ClusterTestsError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

T = TypeVar("T")
Records = dict[int, str]
"""Texts by the record's number."""


@dataclass(frozen=True)
class Unavailable:
    """What came instead of a value."""

    reason: str


class Visitor(Protocol):
    """Asks one application through one node's front, over HTTP and over SSH.

    Every method raises ``ClusterTestsError`` when the answer is not a proper one.
    """

    def write(self, number: int, text: str) -> None:
        """Store a record; returns once the application has acknowledged it."""

    def records(self) -> Records:
        """Read all records from the database, over HTTP."""

    def files(self) -> Records:
        """Read the records' files, over SSH."""

    def cache(self) -> str | None:
        """Read what the cache volume holds; None when it is empty."""

    def fill_cache(self, text: str) -> None:
        """Replace what the cache volume holds."""


@dataclass(frozen=True)
class Served:
    """What one node's front gave of an application; ``refusal`` is None for a write it took."""

    refusal: Unavailable | None
    records: Records | Unavailable
    files: Records | Unavailable
    cache: str | None | Unavailable


def serve(visitor: Visitor, refusal: Unavailable | None) -> Served:
    """Read everything through one node; ``refusal`` is what came of a write through it."""
    return Served(
        refusal=refusal,
        records=value_of(visitor.records),
        files=value_of(visitor.files),
        cache=value_of(visitor.cache),
    )


def value_of(call: Callable[[], T]) -> T | Unavailable:
    """Return what ``call`` does, or what it raised of our own errors."""
    try:
        return call()
    except ClusterTestsError as error:
        return Unavailable(error.message)
