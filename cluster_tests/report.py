"""What a run tells people between the sentences: lines, and progress on what takes long."""

from __future__ import annotations

import sys
import threading
import time
from typing import TYPE_CHECKING, TextIO

from cluster_tests.live import ERASE, columns_of, live_line

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

_PATIENCE = 2.0  # seconds that may pass without a word
_REPAINT = 0.25  # seconds between two paintings of a live line
_REMIND = 30.0  # seconds between two lines in a log


def say(text: str, *, indent: int = 4) -> None:
    """Print ``text``, each line indented; flushed, so that a log shows it when it happens."""
    margin = " " * indent
    sys.stdout.write("".join(f"{margin}{line}\n" for line in text.splitlines()))
    sys.stdout.flush()


class Progress:
    """Says what is being done once that has taken two seconds: ``with Progress("…") as step``.

    On a terminal one line is repainted and erased at the end, with how far the run is
    (``live_line``); elsewhere a plain line is printed, and again every half minute. What is quick
    prints nothing.
    """

    def __init__(
        self, doing: str, *, patience: float = _PATIENCE, stream: TextIO | None = None
    ) -> None:
        """Describe the work; keep silent for ``patience`` seconds, then write to ``stream``.

        It is stdout, unless stdout is for what the command was asked for, or captured while the
        run has a screen.
        """
        self._doing = doing
        self._patience = patience
        self._stream: TextIO = stream or live_line.screen or sys.stdout
        self._started = time.monotonic()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._talk, name="progress", daemon=True)

    def __enter__(self) -> Self:
        """Start to count."""
        self._started = time.monotonic()
        self._thread.start()
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        """Stop, and leave no half line behind."""
        self._over.set()
        self._thread.join()

    def doing(self, what: str) -> None:
        """Replace the description."""
        self._doing = what

    @property
    def seconds(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self._started

    def _talk(self) -> None:
        if self._over.wait(self._patience):
            return
        if self._stream.isatty():
            self._paint()
        else:
            self._remind()

    def _paint(self) -> None:
        live_line.shown = True
        while True:
            doing = f"{self._doing} … {self.seconds:.0f} s"
            self._write(ERASE + live_line.text(doing, columns_of(self._stream)))
            if self._over.wait(_REPAINT):
                self._write(ERASE)
                live_line.shown = False
                return

    def _remind(self) -> None:
        while True:
            self._write(f"    {self._doing} … {self.seconds:.0f} s so far\n")
            if self._over.wait(_REMIND):
                return

    def _write(self, text: str) -> None:
        self._stream.write(text)
        self._stream.flush()
