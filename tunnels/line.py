"""The SSH connection of a tunnel, and the thread that keeps it.

A connection that ended, or went silent, is opened again: with growing pauses, for as long as it
takes. What a person must look at ends that: a host key that changed or a login that is refused is
not tried twice, and every use of the tunnel is told why.
"""

from __future__ import annotations

import threading
import time
from copy import copy
from typing import TYPE_CHECKING

from tunnels.backoff import delays
from tunnels.connection import connect
from tunnels.errors import (
    ConnectionLostError,
    HostKeyError,
    IdentityError,
    KeyRefusedError,
    SpecError,
    TunnelError,
)
from tunnels.health import Health, State
from tunnels.log import LOG
from tunnels.pulse import Pulse

if TYPE_CHECKING:
    from collections.abc import Callable

    from tunnels.loop import Loop
    from tunnels.specs import Target
    from tunnels.transport import Transport

HOPELESS = (HostKeyError, IdentityError, KeyRefusedError, SpecError)
"""Errors that another try cannot mend, and should not be tried against a server."""

_FAREWELL = 10.0
"""Seconds that the keeping thread may take to end."""


class Line:
    """One connection to ``target`` at a time. Any thread may call its methods."""

    def __init__(
        self, target: Target, loop: Loop, changed: Callable[[], None], tick: Callable[[], None]
    ) -> None:
        """Prepare it; nothing is opened yet.

        Both are called on the keeping thread: ``changed`` when the connection is back or given up,
        ``tick`` every ``target.alive_interval``. They must not wait for anything.
        """
        self._target = target
        self._loop = loop
        self._changed = changed
        self._tick = tick
        self._news = threading.Condition()  # guards all below
        self._state = State.NEW
        self._since = time.monotonic()
        self._error: TunnelError | None = None
        self._reconnections = 0
        self._transport: Transport | None = None
        self._pulse: Pulse | None = None
        self._connecting = False
        self._closing = threading.Event()
        # A daemon: a program that ends without closing its tunnels must not hang.
        self._thread = threading.Thread(target=self._keep, name=f"keeps {target}", daemon=True)

    def __str__(self) -> str:
        """Print the target and the state."""
        return f"tunnel to {self._target} ({self._state.value})"

    @property
    def transport(self) -> Transport | None:
        """The connection that stands, as far as is known."""
        transport = self._transport
        return transport if transport is not None and transport.is_active() else None

    @property
    def health(self) -> Health:
        """How it is just now."""
        pulse = self._pulse
        with self._news:
            return Health(
                self._state,
                self._since,
                self._error,
                self._reconnections,
                None if pulse is None else pulse.round_trip,
            )

    def open(self, ready: Callable[[], None]) -> None:
        """Connect, verify the host key, log in, call ``ready``. To be called once.

        Raises IdentityError, HostKeyError or SshError; nothing is left open then.
        """
        with self._news:
            self.expect(State.NEW)
            self._enter(State.OPENING)
        transport = connect(self._target)
        with self._news:
            if self._state is State.OPENING:
                ready()
                self._connected(transport)
                self._thread.start()
                return
        transport.end()
        raise ConnectionLostError(f"the {self} was closed while it was being opened")

    def wait(self, timeout: float) -> Transport:
        """Give the connection that stands, or wait up to ``timeout`` seconds for it to be back.

        Raises ConnectionLostError, or the error for which it was given up.
        """
        with self._news:
            self._news.wait_for(lambda: self.transport or not self.hopes, timeout)
            if self._state is State.GIVEN_UP and self._error is not None:
                raise copy(self._error)  # each asker adds a traceback of its own
            if not self.hopes:
                self.expect(State.OPEN)
            transport = self.transport
            if transport is None:
                raise self._lost(timeout)
            return transport

    @property
    def hopes(self) -> bool:
        """Whether the connection stands or may come back by itself."""
        return self._state in {State.OPEN, State.RECONNECTING}

    def was_down_since(self, moment: float) -> bool:
        """Whether there was no connection at some time after ``moment`` of ``time.monotonic``."""
        with self._news:
            # While it is open: since when. The first opening ended nothing.
            back = self._reconnections > 0 and self._since >= moment
            return back or self._state is not State.OPEN or self.transport is None

    def expect(self, state: State) -> None:
        """Raise ConnectionLostError unless it is in ``state``."""
        if self._state is not state:
            raise ConnectionLostError(
                f"this cannot be done: the {self}",
                remedy="open each Tunnel once, and use it before it is closed",
            )

    def close(self) -> bool:
        """Close the connection and end the thread; False when that was done before.

        A try to connect that is under way ends by itself, at the latest after its time limits;
        nobody waits for it.
        """
        with self._news:
            if self._state is State.CLOSED:
                return False
            self._enter(State.CLOSED)
            transport, kept = self._transport, self._thread.is_alive() and not self._connecting
        self._closing.set()
        if transport is not None:
            transport.end()
        if kept:
            self._thread.join(_FAREWELL)
            if self._thread.is_alive():
                raise TunnelError(f"the thread {self._thread.name} did not end in {_FAREWELL} s")
        return True

    def _lost(self, timeout: float) -> ConnectionLostError:
        why = self._error.message if self._error else "it ended just now"
        return ConnectionLostError(
            f"the connection to {self._target} did not come back within {timeout:g} s: {why}",
            remedy=f"see that {self._target.host} and its sshd are up; it is tried on and on",
        )

    def _enter(self, state: State, error: TunnelError | None = None) -> None:
        with self._news:
            self._state = state
            self._since = time.monotonic()
            self._error = error
            self._news.notify_all()

    def _connected(self, transport: Transport) -> None:
        target = self._target
        self._transport = transport
        self._pulse = Pulse(transport, self._loop, target.alive_interval, target.alive_count)
        self._enter(State.OPEN)

    # --- on the keeping thread

    def _keep(self) -> None:
        try:
            while not self._closing.is_set():
                cause = self._watch()
                if not self._revive(cause):
                    return
        except Exception as error:  # noqa: BLE001 - a thread has nobody to raise to but the users
            LOG.exception("%s: nobody keeps the connection any more", self._target)
            self._give_up(TunnelError(f"{self._target}: keeping it failed: {error!r}"))

    def _watch(self) -> str:
        """Return once the connection has ended: why."""
        if self._pulse is None:
            raise TunnelError("there is no connection to watch")
        return self._pulse.watch(self._tick)

    def _revive(self, cause: str) -> bool:
        """Connect again, however often it takes; tell whether there is anything to watch."""
        began = time.monotonic()
        lost = ConnectionLostError(f"the connection to {self._target} ended: {cause}")
        if not self._pass_to(State.RECONNECTING, lost):
            return False
        LOG.info("%s: the connection ended (%s) and is opened again", self._target, cause)
        for delay in delays():
            if self._closing.wait(delay) or not self.hopes:
                return False
            if self._try():
                break
        LOG.warning(
            "%s: connected again after %.1f s, for the %d. time; the connection had ended: %s",
            *(self._target, time.monotonic() - began, self._reconnections, cause),
        )
        self._changed()
        return True

    def _try(self) -> bool:
        """Try once; tell whether it is connected."""
        try:
            transport = self._connect()
        except HOPELESS as error:
            self._give_up(error)
            return False
        except TunnelError as error:
            LOG.debug("%s: not back yet: %s", self._target, error.message)
            with self._news:
                self._error = error
                self._news.notify_all()
            return False
        with self._news:
            if self._state is State.RECONNECTING:
                self._reconnections += 1
                self._connected(transport)
                return True
        transport.end()
        return False

    def _connect(self) -> Transport:
        with self._news:
            self.expect(State.RECONNECTING)
            self._connecting = True
        try:
            return connect(self._target)
        finally:
            with self._news:
                self._connecting = False

    def _give_up(self, error: TunnelError) -> None:
        if not self._closing.is_set():
            LOG.error("%s is given up: %s", self._target, error)
        if self._pass_to(State.GIVEN_UP, error):
            self._changed()

    def _pass_to(self, state: State, error: TunnelError) -> bool:
        """Enter a state, unless it was closed meanwhile."""
        with self._news:
            if self._state is State.CLOSED:
                return False
            self._enter(state, error)
            return True
