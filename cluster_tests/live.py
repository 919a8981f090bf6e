"""The live line: what a terminal shows while something takes long, and how far the run is."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple, TextIO

if TYPE_CHECKING:
    from collections.abc import Callable

ERASE = "\r\x1b[K"  # ECMA-48: back to the first column, erase to the end of the line
_USUAL = 80  # columns of a terminal that does not know how many it has
_ROOM_FOR_CTRL_C = 3  # the terminal echoes "^C" behind the line; the last column would wrap
_SHORTEST = 12  # characters of a scenario's name that still tell something
_INDENT = " " * 4
_BETWEEN = " · "


class HowFar(NamedTuple):
    """What is known of the run while it lasts: its counts and time left, and what runs now."""

    counts: str
    scenario: str


class LiveLine:
    """What the line is made of, beside the work under way; and whether one is shown just now.

    A run tells how far it is (``tell``); the line is painted by ``Progress``, from a thread of its
    own: so what is asked there must change all at once or not at all.
    """

    def __init__(self) -> None:
        """Know of no run."""
        self.shown = False
        self.screen: TextIO | None = None
        self._how_far: Callable[[], HowFar] | None = None

    def tell(self, how_far: Callable[[], HowFar], screen: TextIO | None) -> None:
        """From now on show ``how_far`` the run is; on ``screen`` also while stdout is captured."""
        self._how_far, self.screen = how_far, screen

    def forget(self) -> None:
        """Know of no run any more: it is over."""
        self._how_far = self.screen = None

    def text(self, doing: str, columns: int) -> str:
        """Write the line so that it fits: one that wraps could not be erased.

        The scenario's name gives way first: with ``-v`` it is on the screen already.
        """
        room = columns - _ROOM_FOR_CTRL_C
        how_far = self._how_far
        if how_far is None:
            return cut(_INDENT + doing, room)
        counts, scenario = how_far()
        left = room - len(_INDENT + joined(counts, doing) + _BETWEEN)
        name = cut(scenario, left) if left >= _SHORTEST else ""
        return cut(_INDENT + joined(counts, name, doing), room)


def joined(*parts: str) -> str:
    """Put what there is of ``parts`` into one line."""
    return _BETWEEN.join(filter(None, parts))


def cut(text: str, room: int) -> str:
    """Take out of the middle what is too much for ``room`` characters."""
    if len(text) <= room:
        return text
    kept = max(room - 1, 0)
    end = kept - kept // 2
    return f"{text[: kept // 2]}…{text[len(text) - end :]}" if kept else ""


def columns_of(stream: TextIO) -> int:
    """Ask a terminal for its width now: people resize it."""
    try:
        columns = os.get_terminal_size(stream.fileno()).columns
    except OSError:
        return _USUAL
    return columns or _USUAL  # 0: nobody told the terminal


live_line = LiveLine()  # a process has one terminal, so there is one of these
