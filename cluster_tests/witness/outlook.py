"""What a cluster says of an application that clients are about to miss, or to get back."""

from __future__ import annotations

from enum import Enum, auto
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager


class Outlook(Enum):
    """What is to be expected of the ways to an application."""

    STEADY = auto()  # they stay as they should be: served
    LEAVING = auto()  # they are served, and may be away in a moment
    AWAY = auto()  # they are away, or will be in a moment, until more is said


class Foresight(Protocol):
    """Listens to the cluster, and asks nobody."""

    def listening(self, news: Callable[[], None]) -> AbstractContextManager[None]:
        """Listen as long as this is open; call ``news`` whenever the outlook may have changed.

        It is called on any thread, and must return at once.
        """

    def outlook(self) -> Outlook:
        """Tell what is to be expected now."""
