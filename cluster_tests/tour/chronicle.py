"""What was written since the application last began with nothing, and what became of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cluster_tests.fronts.ledger import compare
from cluster_tests.tenancy.served import Unavailable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cluster_tests.fronts.ledger import Found, Record
    from cluster_tests.tenancy.served import Served
    from cluster_tests.tenancy.visit import Visit
    from cluster_tests.witness.statement import Statement


class Chronicle:
    """Acknowledged records must be there for ever; others may be; the cache has its own rule."""

    def __init__(self) -> None:
        """Begin with nothing written."""
        # What must be there; and what may be: its write was answered by nobody, or amiss.
        self.acknowledged: list[Record] = []
        self.possible: list[Record] = []
        self._refused: list[Record] = []
        self._cache: bytes | None = None

    @property
    def next_number(self) -> int:
        """The first number that no record has."""
        return len(self.acknowledged) + len(self.possible) + len(self._refused) + 1

    def new_cache(self) -> bytes:
        """Give a content that the cache never had; it is expected there from now on."""
        self._cache = f"cached before record {self.next_number}".encode()
        return self._cache

    def hear(self, statement: Statement) -> None:
        """Add what a witness wrote during a switch."""
        self.acknowledged += statement.acknowledged
        self.possible += statement.unknown
        self._refused += statement.failed

    def judge(self, visited: Visit, *, stays: bool) -> Iterator[str]:
        """Add what was written, and yield what any node shows otherwise than it must.

        ``stays`` tells whether the master stayed: a cache is lost with its node.
        """
        self.acknowledged += visited.acknowledged
        self.possible += visited.possible
        if not visited.served:
            yield "no node was asked"
        for node, served in visited.served.items():
            yield from (f"{node}: {what}" for what in self._wrong(served, stays=stays))

    def _wrong(self, served: Served, *, stays: bool) -> Iterator[str]:
        if served.refusal is not None:
            yield f"a write was refused: {served.refusal.reason}"
        yield from self._differing("over HTTP", served.records)
        yield from self._differing("over SSH", served.files)
        expected = self._cache if stays else None
        if served.cache != expected:
            yield f"cache: expected {expected!r}, found {served.cache!r}"

    def _differing(self, way: str, shown: frozenset[Found] | Unavailable) -> Iterator[str]:
        if isinstance(shown, Unavailable):
            yield f"{way}: {shown.reason}"
            return
        for difference in compare(self.acknowledged, shown, possible=self.possible):
            yield f"{way}: {difference}"
