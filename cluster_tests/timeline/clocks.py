"""How far a node's clock is from ours, from questions and answers as NTP asks them."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_ROUNDS = 4  # the quickest answer counts: it leaves the least room


@dataclass(frozen=True)
class Offset:
    """How far a node's clock is ahead of ours, in seconds: somewhere between the two."""

    least: float
    most: float

    @property
    def seconds(self) -> float:
        """The middle of it."""
        return (self.least + self.most) / 2

    @property
    def uncertainty(self) -> float:
        """How far the truth may be from the middle, in seconds."""
        return (self.most - self.least) / 2

    def ours(self, theirs: float) -> float:
        """Tell what our clock said when the node's said ``theirs``."""
        return theirs - self.seconds

    def __str__(self) -> str:
        """Print in milliseconds, with the uncertainty."""
        return f"{self.seconds * 1000:+.1f} ms, give or take {self.uncertainty * 1000:.1f} ms"


def measure(
    ask: Callable[[], float], *, rounds: int = _ROUNDS, clock: Callable[[], float] = time.time
) -> Offset:
    """Ask for a node's time in ``rounds``: an offset is as exact as the answer was quick.

    Ours may be set while we ask; the answer would be wrong by that, and only then.
    """
    return min((_asked(ask, clock) for _ in range(rounds)), key=lambda each: each.uncertainty)


def _asked(ask: Callable[[], float], clock: Callable[[], float]) -> Offset:
    before = clock()
    told = ask()
    return Offset(told - clock(), told - before)
