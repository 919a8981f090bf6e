"""Where connections wait that cannot be carried just now, and are let through when they can.

They wait for two things. For the SSH connection, while it is opened again: up to a deadline, then
they are refused. And for a session, where a forward needs one and sshd allows no more (MaxSessions;
RFC 4254 has no word for "later"): as long as others of the tunnel are open, because those will end.
"""

from __future__ import annotations

import time
from collections import deque
from typing import TYPE_CHECKING

from paramiko.common import OPEN_FAILED_ADMINISTRATIVELY_PROHIBITED

from tunnels.errors import ConnectionLostError
from tunnels.log import LOG
from tunnels.relay import OpenRefused

if TYPE_CHECKING:
    from tunnels.line import Line
    from tunnels.loop import Loop
    from tunnels.relay import Relay

_TRY_SESSION = 0.1
"""Seconds after which a session is asked for again: sshd frees one a moment after it has ended."""


class Gate:
    """Holds all connections of a tunnel. All methods belong to the loop's thread."""

    def __init__(self, loop: Loop, line: Line, wait: float) -> None:
        """Let connections through over ``line``; for it they wait ``wait`` seconds."""
        self.relays: set[Relay] = set()
        self.last_break: float | None = None
        self._loop = loop
        self._line = line
        self._wait = wait
        self._lost: set[Relay] = set()  # wait for the connection
        self._queued: deque[Relay] = deque()  # wait for a session
        self._first: Relay | None = None  # asked for a session last, of those that queued
        self._asking = False  # a time to ask again is set
        self._told = False

    def admit(self, relay: Relay) -> None:
        """Let a new connection through, now or later."""
        self.relays.add(relay)
        relay.meter.connections += 1
        if relay.destination.command and self._queued:
            self._queued.append(relay)  # behind those that came before
        else:
            self._open(relay)

    def ended(self, relay: Relay) -> None:
        """Forget a connection that is over."""
        self.relays.discard(relay)
        self._lost.discard(relay)
        if relay in self._queued:
            self._queued.remove(relay)
        if relay.destination.command:
            self._loop.call(self._next)

    def broken(self) -> None:
        """Take note that a connection is ended by the tunnel, before its client can notice."""
        self.last_break = time.monotonic()

    def opened(self, relay: Relay) -> None:
        """Take note that a connection has its channel: there may be a session for another."""
        if relay.destination.command:
            self._next()

    def unopened(self, relay: Relay, error: Exception) -> bool:
        """Take a connection back that did not open; False when it is refused for good."""
        if isinstance(error, ConnectionLostError):
            return self._await_line(relay)
        if isinstance(error, OpenRefused) and relay.destination.command:
            return self._await_session(relay, error)
        return False

    def review(self) -> None:
        """Open or refuse those that waited for the connection: it is back, or given up."""
        waiting, self._lost = self._lost, set()
        for relay in waiting:
            self._open(relay)
        self._next()

    def end_all(self) -> None:
        """Reset all connections."""
        self._queued.clear()
        for relay in tuple(self.relays):
            relay.end(reset=True)

    def _open(self, relay: Relay) -> None:
        transport = self._line.transport
        if transport is not None:
            relay.open(transport)
        elif not self._await_line(relay):
            self.broken()
            relay.fail(ConnectionLostError(f"the {self._line}"))

    def _await_line(self, relay: Relay) -> bool:
        if not self._line.hopes:
            return False
        self._lost.add(relay)
        if not relay.has_deadline:
            relay.has_deadline = True
            # From when the client came: it may have asked long before the loss was noticed.
            left = relay.began + self._wait - time.monotonic()
            self._loop.call_later(max(0.0, left), lambda: self._expire(relay))
        return True

    def _expire(self, relay: Relay) -> None:
        if relay in self._lost:
            self._lost.discard(relay)
            self.broken()
            relay.fail(ConnectionLostError(f"the {self._line}: not back in {self._wait:g} s"))

    # --- sessions

    def _await_session(self, relay: Relay, refusal: OpenRefused) -> bool:
        if refusal.reason == OPEN_FAILED_ADMINISTRATIVELY_PROHIBITED or not self._has_sessions():
            return False
        if not self._told:
            self._told = True
            LOG.warning(
                "%s: sshd allows no further session (%s): connections wait for one to end; to mend "
                "it, raise MaxSessions or allow AllowStreamLocalForwarding in its sshd_config",
                *(self._line, refusal.text),
            )
        if relay is self._first:
            self._queued.appendleft(relay)
        else:
            self._queued.append(relay)
        self._try_later()
        return True

    def _has_sessions(self) -> bool:
        return any(relay.destination.command and relay.has_channel for relay in self.relays)

    def _try_later(self) -> None:
        if not self._asking:
            self._asking = True
            self._loop.call_later(_TRY_SESSION, self._try)

    def _try(self) -> None:
        self._asking = False
        self._next()

    def _next(self) -> None:
        """Ask for a session for the first in the queue; once it is open, for the one after it."""
        if self._queued and not self._asking:
            self._first = self._queued.popleft()
            self._open(self._first)
