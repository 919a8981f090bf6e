"""The handler's log of a node, read line by line (docs/contract.md, "Events")."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_FIELDS = 4  # time, event, level, message
_ERROR = "ERROR"


@dataclass(frozen=True)
class Entry:
    """One line: ``at`` in seconds since 1970 by the node's clock, None for no ISO 8601 time."""

    at: float | None
    event: str
    level: str
    message: str


def entries(lines: Iterable[str]) -> Iterator[Entry]:
    """Read all lines that are of the documented shape; others are passed over."""
    for line in lines:
        fields = line.split(" ", _FIELDS - 1)
        if len(fields) == _FIELDS:
            yield Entry(_time(fields[0]), *fields[1:])


def lines_of(event_id: str, lines: Iterable[str]) -> tuple[str, ...]:
    """List all that a node logged for one event: level and message, in the log's order."""
    return tuple(
        f"{entry.level} {entry.message}" for entry in entries(lines) if entry.event == event_id
    )


def errors_of(event_id: str, lines: Iterable[str]) -> tuple[str, ...]:
    """List the errors that a node logged for one event: their messages, in the log's order."""
    return tuple(
        entry.message
        for entry in entries(lines)
        if entry.event == event_id and entry.level == _ERROR
    )


def _time(text: str) -> float | None:
    try:
        return datetime.fromisoformat(text).timestamp()
    except ValueError:
        return None
