"""Where connections wait that cannot be carried just now, and are let through when they can.

They wait for two things. For the SSH connection, while it is opened again: up to a deadline, then
they are refused. And for a session, where a forward needs one and sshd allows no more (MaxSessions;
RFC 4254 has no word for "later"): until a further connection is there for more of them, or, where
there can be no more connections, as long as others of the tunnel are open, because those will end.
"""

from __future__ import annotations

import bisect
import math
import time
from typing import TYPE_CHECKING

from paramiko.common import OPEN_FAILED_ADMINISTRATIVELY_PROHIBITED

from tunnels.errors import ConnectionLostError
from tunnels.log import LOG
from tunnels.relay import OpenRefused
from tunnels.spares import LIMIT

if TYPE_CHECKING:
    from tunnels.line import Line
    from tunnels.loop import Loop
    from tunnels.relay import Relay
    from tunnels.spares import Spares
    from tunnels.transport import Transport

_TRY_SESSION = 0.1
"""Seconds after which a session is asked for again: sshd frees one a moment after it has ended."""


class Gate:
    """Holds all connections of a tunnel. All methods belong to the loop's thread."""

    def __init__(self, loop: Loop, line: Line, spares: Spares, wait: float) -> None:
        """Let connections through over ``line``, sessions over ``spares`` too.

        They wait ``wait`` seconds for ``line`` to be back.
        """
        self.relays: set[Relay] = set()
        self.last_break: float | None = None
        self._loop = loop
        self._line = line
        self._spares = spares
        self._wait = wait
        self._lost: set[Relay] = set()  # wait for the connection
        self._queued: list[Relay] = []  # wait for a session, in the order in which they came
        self._sessions: set[Relay] = set()  # have one
        self._session_ended = -math.inf  # when the last of them did
        self._asking: Relay | None = None  # of those that queued, who asks for a session just now
        self._full: set[Transport] = set()  # refused a session, and need not be asked just now
        self._trying = False  # a time to ask all again is set
        self._told = False

    def admit(self, relay: Relay) -> None:
        """Let a new connection through, now or later."""
        self.relays.add(relay)
        relay.meter.connections += 1
        if relay.destination.command and (self._queued or self._asking):
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
            self._asked(relay)
            if relay in self._sessions:
                self._sessions.discard(relay)
                self._session_ended = time.monotonic()
            if relay.transport is not None:
                self._full.discard(relay.transport)
            self._loop.call(self._next)

    def broken(self) -> None:
        """Take note that a connection is ended by the tunnel, before its client can notice."""
        self.last_break = time.monotonic()

    def opened(self, relay: Relay) -> None:
        """Take note that a connection has its channel: there may be a session for another."""
        if relay.destination.command:
            self._asked(relay)
            self._sessions.add(relay)
            self._next()

    def unopened(self, relay: Relay, error: Exception) -> bool:
        """Take a connection back that did not open; False when it is refused for good."""
        self._asked(relay)
        if isinstance(error, ConnectionLostError):
            if relay.destination.command and self._line.transport not in {None, relay.transport}:
                return self._queue(relay)  # it was a spare
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

    def _open(self, relay: Relay, transport: Transport | None = None) -> None:
        transport = transport or self._line.transport
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
        if refusal.reason == OPEN_FAILED_ADMINISTRATIVELY_PROHIBITED:
            return False
        if relay.transport is self._line.transport and not self._has_sessions():
            return False
        if not self._told:
            self._told = True
            LOG.warning(
                "%s: sshd allows no further session (%s): up to %d further connections are opened "
                "for more, then clients wait for one to end; to mend it, raise MaxSessions or "
                "allow AllowStreamLocalForwarding in its sshd_config",
                *(self._line, refusal.text, LIMIT),
            )
        return self._queue(relay)

    def _has_sessions(self) -> bool:
        """Tell whether a session may become free: one of ours, or one that sshd has yet to free.

        It frees one when its command has ended too, which may be long after the channel's end.
        """
        return bool(self._sessions) or time.monotonic() < self._session_ended + self._wait

    def _queue(self, relay: Relay) -> bool:
        """Have it wait where its turn is; ask no more where it did not open just now."""
        # Others may have come, and queued, while it was asked for.
        bisect.insort(self._queued, relay, key=lambda waiting: waiting.began)
        if not self._trying:
            self._trying = True
            self._loop.call_later(_TRY_SESSION, self._try_all)
        if relay.transport is not None:
            self._full.add(relay.transport)
        self._loop.call(self._next)
        return True

    def _try_all(self) -> None:
        self._trying = False
        self._full.clear()
        self._next()

    def _asked(self, relay: Relay) -> None:
        """Take note that its question for a session is answered."""
        if relay is self._asking:
            self._asking = None

    def _next(self) -> None:
        """Ask for a session for the first in the queue; once it is open, for the one after it."""
        if not self._queued or self._asking:
            return
        main = self._line.transport
        standing = [] if main is None else [main, *self._spares.standing]
        free = [transport for transport in standing if transport not in self._full]
        if standing and not free:
            self._spares.grow(self._next)
            return
        self._asking = self._queued.pop(0)
        self._open(self._asking, free[0] if free else None)
