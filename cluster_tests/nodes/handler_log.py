"""The handler's log of a node, read line by line (docs/contract.md, "Events")."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_FIELDS = 4  # time, event, level, message
_ERROR = "ERROR"


def lines_of(event_id: str, lines: Iterable[str]) -> tuple[str, ...]:
    """List all that a node logged for one event: level and message, in the log's order."""
    return tuple(f"{level} {message}" for level, message in _told(event_id, lines))


def errors_of(event_id: str, lines: Iterable[str]) -> tuple[str, ...]:
    """List the errors that a node logged for one event: their messages, in the log's order."""
    return tuple(message for level, message in _told(event_id, lines) if level == _ERROR)


def _told(event_id: str, lines: Iterable[str]) -> Iterator[tuple[str, str]]:
    for line in lines:
        fields = line.split(" ", _FIELDS - 1)
        if len(fields) == _FIELDS and fields[1] == event_id:
            yield fields[2], fields[3]
