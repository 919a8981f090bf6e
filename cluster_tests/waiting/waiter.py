"""The one waiter: looks when a signal says so, until a deadline on the monotonic clock.

Sources (``signals``) ring a ``Bell`` from their own threads; ``wait_until`` looks, and looks again
once the bell has rung since that look *began*: however many signals arrive during a look, they
make one more look, and none is lost. There is no polling: ``BACKSTOP`` is a safety net against a
signal that a source cannot give (a change that nothing announces), and its use is counted.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from cluster_tests.errors import HarnessError, NotSettledError, SeveralErrors

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

# Seconds without a signal after which the waiter looks all the same.
BACKSTOP = 3.0


class Bell:
    """Rung when something may have changed; waited for by one, rung by many threads.

    A source that breaks fails the bell: whoever waits then, or begins to wait while the source is
    still broken, gets a ``HarnessError``, because a wait that cannot hear would fail the cluster
    for the harness's fault. Reopening the source mends the bell.
    """

    def __init__(self) -> None:
        """Begin silent and whole."""
        self._changed = threading.Condition()
        self._rung = 0
        self._unheard_since: float | None = None
        self._broken: dict[str, HarnessError] = {}

    @property
    def rung(self) -> int:
        """How often the bell has rung so far."""
        with self._changed:
            return self._rung

    def ring(self) -> None:
        """Tell that something may have changed."""
        with self._changed:
            self._rung += 1
            if self._unheard_since is None:
                self._unheard_since = time.monotonic()
            self._changed.notify_all()

    def hear(self) -> tuple[int, float | None]:
        """Tell how often it has rung, and since when it was not heard; None if it did not ring."""
        with self._changed:
            since, self._unheard_since = self._unheard_since, None
            return self._rung, since

    def fail(self, source: str, error: HarnessError) -> None:
        """Tell that ``source`` broke and will ring no more."""
        with self._changed:
            self._broken[source] = error
            self._changed.notify_all()

    def mend(self, source: str) -> None:
        """Tell that ``source`` was opened again; what it missed may have changed, so ring."""
        with self._changed:
            self._broken.pop(source, None)
        self.ring()

    def wait(self, beyond: int, timeout: float) -> bool:
        """Wait until the bell has rung more than ``beyond`` times, or ``timeout`` seconds.

        Tells whether it has. Raises ``HarnessError`` when a source is broken.
        """
        with self._changed:
            heard = self._changed.wait_for(lambda: self._broken or self._rung > beyond, timeout)
            self._raise_if_broken()
            return bool(heard)

    def _raise_if_broken(self) -> None:
        errors = list(self._broken.values())
        if errors:
            raise errors[0] if len(errors) == 1 else SeveralErrors(errors)


@dataclass(frozen=True)
class NotYet:
    """What a look found missing; ``reason`` ends in the timeout's message."""

    reason: str


@dataclass(frozen=True)
class Waited(Generic[T]):
    """A wait that succeeded: its value and its price.

    ``seconds`` is the whole wait, ``looking`` the part spent in looks. ``noticed`` is how long
    it took from the signal that made it look to the end of that look; a look that was under way
    when the signal came is included. Where no signal asked for the last look, nobody knows when
    it came true: then it counts from the beginning of the look before. ``silent`` counts the looks
    that no signal asked for: more than a few mean that a source does not tell what it should.
    ``unannounced`` is what was missing until a look that no signal asked for found it; "" where
    the last look had its signal.
    """

    value: T
    seconds: float
    looking: float
    noticed: float
    looks: int
    silent: int
    unannounced: str = ""


def wait_until(
    look: Callable[[], T | NotYet],
    bell: Bell,
    *,
    what: str,
    timeout: float,
    backstop: float = BACKSTOP,
) -> Waited[T]:
    """Look until ``look`` finds a value; ``timeout`` and ``backstop`` are seconds.

    The last look begins at the deadline, so that a lost signal cannot fail what did come in time.
    Raises ``NotSettledError`` with the last reason at the deadline, and
    whatever a look or a broken source raises.
    """
    begin = time.monotonic()
    deadline = begin + timeout
    looking, looks, silent = 0.0, 0, 0
    look_began = begin
    unannounced = ""
    while True:
        seen, since = bell.hear()
        known_false, look_began = look_began, time.monotonic()
        found = look()
        now = time.monotonic()
        looking += now - look_began
        looks += 1
        if not isinstance(found, NotYet):
            signalled = max(begin, since or known_false)
            return Waited(found, now - begin, looking, now - signalled, looks, silent, unannounced)
        if look_began >= deadline:
            raise NotSettledError(
                f"{what}: not within {timeout:g} s ({looks} looks); the last one found:\n"
                f"{found.reason}",
                reason=found.reason,
            )
        left = max(0.0, deadline - now)
        heard = bell.wait(seen, min(backstop, left))
        silent += not heard
        # Not by ``since``: it is told to one of those who wait at one time, the bell to all.
        unannounced = "" if heard else found.reason
