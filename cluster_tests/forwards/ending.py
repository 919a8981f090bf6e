"""What asks a program to end, for as long as there is something to be closed first."""

from __future__ import annotations

import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

    Handler = Callable[[int, FrameType | None], None]

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
OF_A_SIGNAL = 128  # what shells add to the number of the signal that ended a command


class Ended(BaseException):
    """Somebody asks for the end: no error, and nothing that handles errors may stop it."""

    def __init__(self, number: int) -> None:
        """Keep the signal's number."""
        super().__init__(number)
        self.number = number


class Ending:
    """Raises the first signal as ``Ended``; those behind it find the end under way already."""

    def __init__(self) -> None:
        """Nothing has come yet."""
        self._come = False

    def forget(self) -> None:
        """Raise nothing from now on: the end is under way by itself."""
        self._come = True

    def __call__(self, number: int, _frame: FrameType | None) -> None:
        """Handle a signal."""
        if not self._come:
            self._come = True
            raise Ended(number)


@contextmanager
def handled(handler: Handler) -> Iterator[None]:
    """Handle what asks a program to end by ``handler``, for a while."""
    before = {number: signal.signal(number, handler) for number in SIGNALS}
    try:
        yield
    finally:
        for number, earlier in before.items():
            signal.signal(number, earlier)
