"""About how long a run still takes: by what its spec classes took in earlier runs, or in this."""

from __future__ import annotations

from statistics import mean, median
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

_MINUTE = 60  # seconds, and minutes of an hour


class TimeLeft:
    """Reckons with seconds by spec class, each with all its examples; times are monotonic."""

    def __init__(self, planned: Collection[str], known: Mapping[str, float]) -> None:
        """Take the IDs of all that is to run, and the ``known`` durations of earlier runs."""
        self._to_come = set(planned)
        self._known = {each: known[each] for each in planned if each in known}
        self._took: list[float] = []
        self._began = 0.0
        self._ends: tuple[float, float] | None = None  # this class's end, seconds of all after it

    def begin(self, name: str, now: float) -> None:
        """Class ``name`` begins: reckon when it and all others are over."""
        self._to_come.discard(name)
        self._began = now
        usual = self._usual()
        if usual is not None:
            after = sum(self._known.get(each, usual) for each in self._to_come)
            self._ends = now + self._known.get(name, usual), after

    def end(self, now: float, *, typical: bool = True) -> None:
        """Learn how long the class took that began last, where it is ``typical`` of what comes."""
        if typical:
            self._took.append(now - self._began)

    def seconds(self, now: float) -> float | None:
        """Return what is left; None before there is anything to reckon with.

        A class that takes longer than it should is taken to end any moment.
        """
        if self._ends is None:
            return None
        end, after = self._ends
        return after + max(0.0, end - now)

    def _usual(self) -> float | None:
        """Tell what a class takes that is not known: the mean of this run, once it has one."""
        if self._took:
            return mean(self._took)
        return median(self._known.values()) if self._known else None


def in_words(seconds: float | None) -> str:
    """Say it for people, no more exact than it is: ``about 9 min left``, or nothing."""
    if not seconds:  # not known; or overdue, which tells as little
        return ""
    if seconds < 1.5 * _MINUTE:
        return f"about {max(5, 5 * round(seconds / 5))} s left"
    minutes = round(seconds / _MINUTE)
    if minutes < 1.5 * _MINUTE:
        return f"about {minutes} min left"
    hours, minutes = divmod(minutes, _MINUTE)
    return f"about {hours} h {minutes:02} min left"
