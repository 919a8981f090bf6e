"""Sources of signals: threads that listen to something and ring the bell.

A source ends promptly when closed, because closing it shuts the socket that its thread reads. One
that breaks together with the way to its node opens itself again, a few times, and rings, since
something may have been missed. One that breaks by itself fails the bell; ``Sources.reopen_broken``
opens it again, knowingly, before the next wait begins.
"""

from __future__ import annotations

import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import contextmanager
from typing import TYPE_CHECKING, Self

from cluster_tests.errors import HarnessError
from cluster_tests.waiting.side_by_side import side_by_side
from cluster_tests.way import UNBROKEN

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from concurrent.futures import Executor

    from cluster_tests.waiting.waiter import Bell
    from cluster_tests.way import Way

# Seconds a source's thread may take to end once its socket is shut.
_FAREWELL = 5.0
# Times that a source opens itself again without having heard anything in between.
_TRIES = 4


class Source(ABC):
    """One thing to listen to, on a thread of its own."""

    def __init__(self, name: str, bell: Bell, way: Way = UNBROKEN) -> None:
        """Listen under ``name``, which the error of a broken source carries."""
        self.name = name
        self.bell = bell
        self.way = way
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None
        self.broken = False  # it was opened, was not closed, and listens no more
        # Who else is told what was heard, and what that was last; None: nothing yet.
        self.hearers: tuple[Hearer, ...] = ()
        self.told: object = None

    def tell(self, what: object) -> None:
        """Let those know of ``what`` was heard who asked for it; for the listening thread."""
        self.told = what
        for hear in self.hearers:
            hear(self, time.time(), what)

    def open(self) -> None:
        """Connect, then listen on a thread; raise ``HarnessError`` if there is no connection."""
        self.connect()
        self._closing.clear()
        self.broken = False
        self._thread = threading.Thread(target=self._run, name=self.name, daemon=True)
        self._thread.start()
        self.bell.mend(self.name)

    def close(self) -> None:
        """Stop listening; raise ``HarnessError`` if the thread does not end."""
        self._closing.set()
        self.disconnect()
        thread, self._thread = self._thread, None
        if thread is not None and thread is not threading.current_thread():
            thread.join(_FAREWELL)
            if thread.is_alive():
                raise HarnessError(f"{self.name}: its thread did not end in {_FAREWELL:g} s")

    def _run(self) -> None:
        error = None
        while error is None:
            began = time.monotonic()
            ended = self._caught(self.listen)
            error = self._revive(
                ended or HarnessError(f"{self.name}: the other side ended the stream"), began
            )
        self._fail(error)

    def _revive(self, error: HarnessError, began: float) -> HarnessError | None:
        """Connect again if it was the way that broke since ``began``; tell what is not mended."""
        for _ in range(_TRIES):
            if self._closing.is_set() or not self.way.broke_since(began):
                return error
            began = time.monotonic()
            failed = self._caught(self._reconnect)
            if failed is None:
                return None
            error = failed
        return error

    def _reconnect(self) -> None:
        self.connect()
        if self._closing.is_set():  # it may have been closed before there was anything to shut
            self.disconnect()
        self.bell.ring()  # for what happened meanwhile

    def _caught(self, step: Callable[[], None]) -> HarnessError | None:
        """Take a step; tell the error it ended with."""
        try:
            step()
        except HarnessError as error:
            return error
        except Exception as error:  # noqa: BLE001 - a thread has nobody to raise to but the bell
            return HarnessError(f"{self.name}: {type(error).__name__}: {error}")
        return None

    def _fail(self, error: HarnessError) -> None:
        if not self._closing.is_set():
            self.broken = True
            self.bell.fail(self.name, error)

    @abstractmethod
    def connect(self) -> None:
        """Connect, so that nothing that happens from now on goes unheard."""

    @abstractmethod
    def listen(self) -> None:
        """Ring ``self.bell`` at each signal, until the stream ends or breaks."""

    @abstractmethod
    def disconnect(self) -> None:
        """Make ``listen`` return; called from another thread, and maybe twice."""


Hearer = Callable[[Source, float, object], None]


class Sources:
    """All sources of one session."""

    def __init__(self, sources: Iterable[Source]) -> None:
        """Hold ``sources``, not yet open."""
        self._sources = tuple(sources)

    def open(self, executor: Executor) -> Self:
        """Open all side by side; close those that opened when one fails."""
        try:
            side_by_side(executor, {source.name: source.open for source in self._sources})
        except BaseException:
            self.close()
            raise
        return self

    @contextmanager
    def overheard(self, hear: Hearer) -> Iterator[None]:
        """Let ``hear`` know what the sources hear, for as long as this is open.

        It is called on the sources' threads: with the source, the time (seconds since 1970) and
        what it was. First comes what each had heard last, for comparison.
        """
        for source in self._sources:
            source.hearers += (hear,)
            if source.told is not None:
                hear(source, time.time(), source.told)
        try:
            yield
        finally:
            for source in self._sources:
                source.hearers = tuple(each for each in source.hearers if each is not hear)

    def reopen_broken(self) -> None:
        """Open those again that broke since the last wait; raise ``HarnessError`` if one cannot."""
        for source in self._sources:
            if source.broken:
                source.close()
                source.open()

    def close(self) -> None:
        """Close all, whatever one of them raises; raise the first error at the end."""
        errors: list[HarnessError] = []
        for source in self._sources:
            try:
                source.close()
            except HarnessError as error:
                errors.append(error)
        if errors:
            raise errors[0]
