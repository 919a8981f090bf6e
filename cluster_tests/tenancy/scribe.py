"""Writes to an application while it is switched: what came last is what gets lost first."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Self

from cluster_tests.errors import ClusterTestsError, FrontError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType

    from cluster_tests.fronts.ledger import Ledger, Record

_PAUSE = 0.1  # seconds between two writes: some fall between the two transfers of any switch


class Scribe:
    """Writes ``records`` through one node, one after the other, until a write is refused.

    A switch refuses sooner or later; what is written afterwards would say nothing about what was
    carried over. The write that was refused may have been stored all the same: it is not among
    ``acknowledged``, and the ledger takes it again as the same record.
    """

    def __init__(self, ledger: Ledger, records: Iterator[Record]) -> None:
        """Write nothing yet."""
        self.acknowledged: tuple[Record, ...] = ()
        self._ledger = ledger
        self._records = records
        self._over = threading.Event()
        self._failure: ClusterTestsError | None = None
        self._thread = threading.Thread(target=self._write, name="scribe")

    def __enter__(self) -> Self:
        """Begin to write."""
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        """End with the write that is under way; raise what was no refusal of the front."""
        self._over.set()
        self._thread.join()
        if self._failure is not None and kind is None:
            raise self._failure

    def _write(self) -> None:
        try:
            for record in self._records:
                self._ledger.write(record)
                self.acknowledged += (record,)
                if self._over.wait(_PAUSE):
                    return
        except FrontError:
            return  # the application is being switched
        except ClusterTestsError as error:
            self._failure = error
