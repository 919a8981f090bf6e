"""Whether a connection is alive, by what is heard from the server.

Every interval the server is asked something that it must answer: the global request
``keepalive@openssh.com`` (RFC 4254 section 4), which OpenSSH asks itself, and to which a refusal is
an answer as good as any. Whatever else arrives counts as a sign of life too.
"""

from __future__ import annotations

import time
from contextlib import suppress
from typing import TYPE_CHECKING

import paramiko

if TYPE_CHECKING:
    from collections.abc import Callable

    from tunnels.loop import Loop
    from tunnels.transport import Transport


class Pulse:
    """Takes one connection's pulse. Its methods belong to the thread that watches over it."""

    def __init__(self, transport: Transport, loop: Loop, interval: float, count: int) -> None:
        """Ask every ``interval`` seconds; ``count`` intervals of silence are an end."""
        self.round_trip: float | None = None
        self.limit = interval * count
        self._transport = transport
        self._loop = loop
        self._interval = interval
        self._asked: float | None = None
        self._due = self._begin = time.monotonic()

    def watch(self, tick: Callable[[], None]) -> str:
        """Return once the connection has ended: why. Call ``tick`` at every look meanwhile."""
        transport = self._transport
        while transport.is_alive():
            wait = self.look()
            if wait is None:
                transport.end()
                return f"nothing was heard for {self.limit:g} s"
            transport.join(wait)
            if transport.is_alive():
                tick()
        transport.end()  # it ended by itself: its socket is closed here
        return str(transport.get_exception() or "") or "the server hung up"

    def look(self) -> float | None:
        """Ask again unless an answer is owed; give the seconds to the next look, None when dead."""
        now = time.monotonic()
        if now - self._due > self._interval:
            # It is we who were stopped (a suspended machine, say): the server gets its time again.
            self._begin, self._asked = now, None
        quiet = now - max(self._begin, self._transport.heard)
        if self._asked is not None and self._is_over(quiet, now - self._asked):
            return None
        if self._asked is None:
            self._ask(now)
        wait = min(self._interval, self.limit - quiet) if quiet < self.limit else self._interval
        self._due = now + wait
        return wait

    def _is_over(self, quiet: float, owed: float) -> bool:
        # The second for a limit of one interval: the question must have had its time.
        return quiet >= self.limit and owed >= self._interval

    def _ask(self, now: float) -> None:
        """Have the loop send it: a full connection would hold up whoever sends."""
        self._asked = now  # before the question: the answer may come before `call` returns
        if not self._loop.call(self._send):
            self._asked = None

    def _send(self) -> None:
        # What has ended meanwhile is no defect of the loop's: the thread that watches sees it.
        with suppress(OSError, EOFError, paramiko.SSHException):
            self._transport.ping(self._answer())

    def _answer(self) -> Callable[[], None]:
        sent = time.monotonic()

        def answered() -> None:
            self.round_trip = time.monotonic() - sent
            self._asked = None

        return answered
