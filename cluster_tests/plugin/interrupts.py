"""Ctrl-C and SIGTERM: the first ends the run cleanly, the second waits, the third ends at once.

Contexts runs a spec's cleanup whatever happens, but what is no ``Exception`` goes past its
reporters and its end of the run. So an interruption is an ordinary exception: reported like any
error, and raised again at each next step until the run is over.
"""

from __future__ import annotations

import os
import signal
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from cluster_tests.live import ERASE, live_line
from cluster_tests.results.verdict import INTERRUPTED_CODE, INTERRUPTION

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_LAST = 3  # the signal with this number ends the process


class Interrupted(Exception):  # noqa: N818 - nothing went wrong: somebody wants to stop
    """Somebody asked the run to end."""

    exit_code = INTERRUPTED_CODE

    def __init__(self) -> None:
        """Say so in the report."""
        super().__init__(INTERRUPTION)


class Interrupts:
    """Turns signals into one ``Interrupted``, and keeps cleanups from being torn."""

    def __init__(self) -> None:
        """Count from zero; nothing is caught before ``catch``."""
        self._count = 0
        self._shields = 0
        self._running = False

    def catch(self) -> None:
        """Take over SIGINT and SIGTERM; before ``run_started`` they simply end the process."""
        for number in _SIGNALS:
            signal.signal(number, self._received)

    def run_started(self) -> None:
        """From now on a signal is raised as ``Interrupted`` where the run is."""
        self._running = True

    def run_ended(self) -> None:
        """From now on nothing is raised any more: the session is being closed."""
        self._shields += 1

    def check(self) -> None:
        """Raise ``Interrupted`` when a signal has come: called before each step of the run."""
        if self._count:
            raise Interrupted

    @contextmanager
    def shielded(self) -> Iterator[None]:
        """Keep signals out of a cleanup; one that came meanwhile is raised when it is done."""
        count = self._count
        self._shields += 1
        try:
            yield
        finally:
            self._shields -= 1
        if self._count > count == 0:
            raise Interrupted

    def _received(self, number: int, _frame: FrameType | None) -> None:
        self._count += 1
        name = signal.Signals(number).name
        if not self._running or self._count >= _LAST:
            _tell(f"{name}: ended at once")
            sys.exit(INTERRUPTED_CODE)
        if self._count > 1:
            _tell(
                f"{name}: still cleaning up; once more ends at once and leaves what is not removed"
            )
        elif self._shields:
            _tell(f"{name}: the run ends when this cleanup is done")
        else:
            _tell(f"{name}: cleaning up")
            raise Interrupted


def _tell(text: str) -> None:
    # Not print: the signal may have come in the middle of one, and buffers are not reentrant.
    # Where a live line is, it gives way: it would stay on the screen for ever.
    begin = ERASE if live_line.shown and os.isatty(2) else "\n"
    os.write(2, f"{begin}{text}\n".encode())


interrupts = Interrupts()  # signals belong to the process, so there is one of these
