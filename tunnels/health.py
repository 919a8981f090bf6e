"""How a tunnel is: values that any thread may ask for, at any time, without waiting."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tunnels.errors import TunnelError


class State(StrEnum):
    """Where in its life a tunnel is."""

    NEW = "not open yet"
    OPENING = "opening"
    OPEN = "open"
    RECONNECTING = "reconnecting"
    GIVEN_UP = "given up"
    CLOSED = "closed"


@dataclass(frozen=True)
class Health:
    """A tunnel's connection at one moment.

    ``since`` is when the state was reached, on the clock of ``time.monotonic``; ``error`` what
    ended the connection, or the last try to open it again, and None while it is open.
    ``round_trip`` is in seconds, of the last keepalive that was answered; None before the first.
    """

    state: State
    since: float
    error: TunnelError | None
    reconnections: int
    round_trip: float | None


@dataclass(frozen=True)
class Traffic:
    """What a forward carried so far: connections, and bytes from and to the far end."""

    connections: int
    received: int
    sent: int


class Meter:
    """Counts one forward's traffic.

    ``sent`` and ``connections`` are written by the loop's thread alone, ``received`` by those of
    all SSH connections that carry the forward.
    """

    def __init__(self) -> None:
        """Begin at nothing."""
        self.connections = 0
        self.received = 0
        self.sent = 0
        self._lock = threading.Lock()

    def receive(self, count: int) -> None:
        """Count bytes from the far end; from any thread."""
        with self._lock:
            self.received += count

    def read(self) -> Traffic:
        """Give what was counted so far."""
        return Traffic(self.connections, self.received, self.sent)
