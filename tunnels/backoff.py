"""How long to wait before each try to reach a server that went away.

Five lines of our own rather than a library such as tenacity: the tries wait on an event that ends
them when the tunnel closes, and each failure shows in the tunnel's health, so that nothing but the
numbers would be left to the library.
"""

from __future__ import annotations

import itertools
import random
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

FIRST = 0.1
"""Seconds before the first try, at most: a connection that was reset is back at once."""

LONGEST = 5.0
"""Seconds between two tries, at most: what a server's return may go unnoticed."""


def delays() -> Iterator[float]:
    """Yield seconds without end: doubling up to LONGEST, each shortened by up to half at random.

    The jitter keeps many clients from knocking at a server that has just started all at one time.
    """
    for doublings in itertools.count():
        longest = min(FIRST * 2.0 ** min(doublings, 16), LONGEST)
        yield random.uniform(longest / 2, longest)  # noqa: S311 - it need not be unpredictable
