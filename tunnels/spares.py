"""Further SSH connections of a tunnel: for sessions only, where sshd allows one no more of them.

Unlike the tunnel's own connection (``line``) they need not last: one that ends is forgotten, and
another one is opened when sessions are missing again. So each has a thread that lives as long as
the connection: it connects as the tunnel did (same target, same host key, same login), watches
over it, and ends.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from tunnels import backoff
from tunnels.connection import connect
from tunnels.errors import TunnelError
from tunnels.line import HOPELESS
from tunnels.log import LOG
from tunnels.pulse import Pulse

if TYPE_CHECKING:
    from collections.abc import Callable

    from tunnels.loop import Loop
    from tunnels.specs import Target
    from tunnels.transport import Transport

LIMIT = 3
"""Further connections at one time: with the tunnel's own, four times MaxSessions."""

IDLE = 30.0
"""Seconds after which one that carries nothing is closed."""

_FAREWELL = 10.0
"""Seconds that a spare's thread may take to end."""


class Spares:
    """A tunnel's further connections. Methods belong to the loop's thread, ``close`` excepted."""

    def __init__(self, target: Target, loop: Loop) -> None:
        """Open none yet."""
        self._target = target
        self._loop = loop
        self._lock = threading.Lock()  # guards the list against ``close``
        self._spares: list[_Spare] = []
        self._closed = False
        self._not_before = 0.0

    @property
    def standing(self) -> list[Transport]:
        """The connections that can be asked for a session."""
        return [spare.transport for spare in self._spares if spare.transport is not None]

    def grow(self, changed: Callable[[], None]) -> None:
        """Open one more, unless one is being opened or there are LIMIT.

        ``changed`` is called on the loop's thread when it stands.
        """
        with self._lock:
            if self._closed or len(self._spares) >= LIMIT:
                return
            if time.monotonic() < self._not_before or any(s.is_opening for s in self._spares):
                return
            self._spares.append(_Spare(self._target, self._loop, changed, self._ended))

    def close(self) -> None:
        """End all connections and their threads; from any thread but theirs and the loop's.

        As with the tunnel's own, nobody waits for a try to connect that is under way.
        """
        with self._lock:
            self._closed = True
            spares = tuple(self._spares)
        for spare in spares:
            spare.close()

    def _ended(self, spare: _Spare) -> None:
        with self._lock:
            self._spares.remove(spare)
        if spare.error is None or self._closed:
            return
        hopeless = isinstance(spare.error, HOPELESS)  # not to be tried against a server again
        self._not_before = float("inf") if hopeless else time.monotonic() + backoff.LONGEST
        LOG.warning("%s: no further connection for sessions: %s", self._target, spare.error)


class _Spare:
    """One further connection, from the try to open it to its end."""

    def __init__(
        self,
        target: Target,
        loop: Loop,
        changed: Callable[[], None],
        ended: Callable[[_Spare], None],
    ) -> None:
        """Begin to connect; both are called on the loop's thread."""
        self.error: TunnelError | None = None
        self.is_opening = True
        self._target = target
        self._loop = loop
        self._changed = changed
        self._ended = ended
        self._lock = threading.Lock()  # guards what ``close`` needs to know
        self._transport: Transport | None = None
        self._closed = False
        self._retired = False
        self._used = 0.0
        self._thread = threading.Thread(target=self._keep, name=f"spare of {target}", daemon=True)
        self._thread.start()

    @property
    def transport(self) -> Transport | None:
        """The connection, while it can be asked for a session."""
        transport = self._transport
        usable = transport is not None and transport.is_active() and not self._retired
        return transport if usable else None

    def close(self) -> None:
        """End the connection and its thread."""
        with self._lock:
            self._closed = True
            transport = self._transport
        if transport is None:
            return
        transport.end()
        self._thread.join(_FAREWELL)
        if self._thread.is_alive():
            raise TunnelError(f"the thread {self._thread.name} did not end in {_FAREWELL} s")

    # --- on its own thread

    def _keep(self) -> None:
        try:
            self._connect_and_watch()
        except TunnelError as error:
            self.error = error
        except Exception as error:  # noqa: BLE001 - a thread has nobody to raise to but its users
            self.error = TunnelError(f"keeping it failed: {error!r}")
        finally:
            self.is_opening = False
            self._loop.call(lambda: self._ended(self))

    def _connect_and_watch(self) -> None:
        target = self._target
        transport = connect(target)
        with self._lock:
            self._transport = None if self._closed else transport
            self._used = time.monotonic()
            self.is_opening = False
        if self._transport is None:
            transport.end()
            return
        LOG.info("%s: a further connection for sessions is open", target)
        self._loop.call(self._changed)
        pulse = Pulse(transport, self._loop, target.alive_interval, target.alive_count)
        try:
            why = pulse.watch(self._tick)
        finally:
            transport.end()
        LOG.info("%s: a further connection for sessions ended: %s", target, why)

    def _tick(self) -> None:
        if self._retired and self._transport is not None:
            self._transport.end()
        else:
            self._loop.call(self._rest)

    # --- on the loop's thread

    def _rest(self) -> None:
        """Take it out of use when it has carried nothing for IDLE; its own thread ends it then."""
        transport = self.transport
        now = time.monotonic()
        if transport is None or not transport.is_idle:
            self._used = now
        elif now - self._used >= IDLE:
            self._retired = True
