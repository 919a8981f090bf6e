"""One connection: a local socket on this side, a channel on the other, bytes in both directions.

From the far end: the transport's thread writes what arrives straight into the local socket. Only
what the socket does not take at once is kept, for the loop to write when it can; the far end is
granted no more than was passed on, so a slow reader makes us hold one channel.WINDOW at most.

To the far end: the loop reads the local socket only while the channel has room, so that a slow
reader over there makes the local writer wait.

Each direction ends on its own: an end of file is passed on behind the last byte, and the connection
is closed when both have ended. The transport's thread never sends on the channel: while keys are
renewed such a send waits for that very thread.
"""

from __future__ import annotations

import socket
import struct
import threading
import time
from collections import deque
from concurrent.futures import Future
from contextlib import suppress
from typing import TYPE_CHECKING, Protocol

import paramiko

from tunnels.errors import ConnectionLostError
from tunnels.log import LOG
from tunnels.loop import READ, WRITE

if TYPE_CHECKING:
    from tunnels.channel import Channel, Destination
    from tunnels.health import Meter
    from tunnels.loop import Loop
    from tunnels.transport import Transport

_RESET = struct.pack("ii", 1, 0)
"""SO_LINGER of socket(7), on and 0 s: closing resets the connection instead of ending it."""


class OpenRefused(Exception):  # noqa: N818 - not an error of the room: translated by whoever asked
    """The server refused a channel; ``reason`` and ``text`` as in RFC 4254 section 5.1."""

    def __init__(self, reason: int, text: str) -> None:
        """Keep the server's words."""
        super().__init__(f"{text} (reason {reason})")
        self.reason = reason
        self.text = text


class Host(Protocol):
    """Whoever holds relays; called on the loop's thread."""

    def broken(self) -> None:
        """Take note that a connection is about to be reset because the SSH connection ended."""

    def opened(self, relay: Relay) -> None:
        """Take note that the far end was reached."""

    def unopened(self, relay: Relay, error: Exception) -> bool:
        """Take back a relay that did not open, to call ``open`` again later; False to let it fail.

        Nothing was read from its client yet, so that nothing can be sent twice.
        """

    def ended(self, relay: Relay) -> None:
        """Forget a relay, once, when all is over."""


class Alone:
    """A host of one relay, which is opened once: what does not open has failed."""

    def broken(self) -> None:
        """Do nothing: nobody asks."""

    def opened(self, relay: Relay) -> None:
        """Do nothing: no other one waits."""

    def unopened(self, _relay: Relay, _error: Exception) -> bool:
        """Let it fail."""
        return False

    def ended(self, relay: Relay) -> None:
        """Do nothing: it is not held."""


class Relay:
    """Carries one connection. Its methods belong to the loop's thread, a Receiver's excepted."""

    def __init__(
        self, loop: Loop, local: socket.socket, destination: Destination, host: Host, meter: Meter
    ) -> None:
        """Own the connected socket ``local``, which is to be connected with ``destination``."""
        local.settimeout(0)
        self.opening: Future[None] = Future()
        self.destination = destination
        self.began = time.monotonic()
        self.has_deadline = False
        self.transport: Transport | None = None
        self._loop = loop
        self._local = local
        self._host = host
        self.meter = meter
        self._lock = threading.Lock()  # guards what both threads write: backlog, socket, flags
        self._backlog: deque[memoryview] = deque()
        self._channel: Channel | None = None
        self._complaint = ""
        self._watched = 0
        self._connected = False
        self._starved = False
        self._local_done = False
        self._remote_done = False
        self._closed_there = False
        self._over = False

    def complaint(self, patience: float) -> str:
        """Tell what the far end says went wrong there, within so many seconds; "" for nothing.

        For the thread that holds the other end of the local socket.
        """
        channel = self._channel
        return self._complaint if channel is None else channel.complaint(patience)

    def open(self, transport: Transport) -> None:
        """Ask for the channel; ``opening`` tells what became of it, ``transport`` over what."""
        self.transport = transport
        try:
            self._channel = transport.open_forward(self.destination, self)
        except (ConnectionLostError, paramiko.SSHException, OSError, EOFError) as error:
            self._unopened(ConnectionLostError(f"no channel to {self.destination}: {error}"))

    def fail(self, error: Exception) -> None:
        """Refuse the local side: it will not be connected."""
        if not self.opening.done():
            self.opening.set_exception(error)
        LOG.info("a connection was not forwarded: %s", error)
        self.end(reset=True)

    def end(self, *, reset: bool = False) -> None:
        """Close both sides now. Calling it again does nothing."""
        with self._lock:
            if self._over:
                return
            self._over = True
            self._backlog.clear()
        if not self.opening.done():
            self.opening.set_exception(ConnectionLostError("the SSH connection ended"))
        self._watch(0)
        if reset and self._local.family == socket.AF_INET:
            # An answer that broke off must not look like one that is complete.
            self._local.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        self._local.close()
        self._close_channel()
        self._host.ended(self)

    # --- Receiver, on the transport's thread

    def opened(self) -> None:
        """Start reading the local side."""
        self._loop.call(self._begin)

    def refused(self, reason: int, text: str) -> None:
        """Give the local side up."""
        self._loop.call(lambda: self._unopened(OpenRefused(reason, text)))

    def received(self, data: memoryview) -> None:
        """Pass data on at once, or keep it for the loop when the local reader is slow."""
        self.meter.receive(len(data))
        with self._lock:
            if self._over:
                return
            count = 0 if self._backlog else self._write(data)
            if count < len(data):
                self._backlog.append(data[count:])
                if len(self._backlog) == 1:
                    self._loop.call(self._update)
        self._count(count)

    def ended(self) -> None:
        """Pass the end of file on, behind everything that is still kept."""
        with self._lock:
            self._remote_done = True
            if not self._backlog:
                self._end_local_output()
        self._loop.call(self._update)

    def closed(self, *, lost: bool) -> None:
        """End once everything is passed on; at once when the connection is lost."""
        if lost:
            self._loop.call(self._lose)
            return
        with self._lock:
            self._remote_done = self._closed_there = True
        self._loop.call(self._update)

    def room(self) -> None:
        """Go on reading the local side, if that stopped for lack of room."""
        if self._starved:
            self._loop.call(self._update)

    # --- on the loop's thread

    def _begin(self) -> None:
        if self._over:  # given up while the server was asked
            self._close_channel(answered=True)
        elif self._channel is not None and self._channel.ready():
            self._connected = True
            self._host.opened(self)
            self.opening.set_result(None)
            # The client has mostly asked already: to read at once spares waiting for it.
            self._ready(READ)

    def _unopened(self, error: Exception) -> None:
        self._close_channel(answered=True)
        if self._over or not self._host.unopened(self, error):
            self.fail(error)

    def _lose(self) -> None:
        """Take note that the SSH connection has ended."""
        if self._connected:
            self._host.broken()
            self.end(reset=True)
        elif self._channel is not None:  # not taken back yet
            self._unopened(ConnectionLostError("the SSH connection ended"))

    def _update(self) -> None:
        """Wait for what can go on now, or end when nothing is left to do."""
        with self._lock:
            if self._over:
                return
            drained = not self._backlog
            over = self._remote_done and drained and (self._local_done or self._closed_there)
        if over:
            self.end()
            return
        events = 0 if drained else WRITE
        if self._wants_input():
            events |= READ
        self._watch(events)

    def _watch(self, events: int) -> None:
        if events != self._watched:
            self._watched = events
            self._loop.watch(self._local, events, self._ready)

    def _wants_input(self) -> bool:
        if not self._connected or self._local_done or self._closed_there:
            return False
        # The flag first: room that comes between the two lines is then announced.
        self._starved = True
        self._starved = self._room() == 0
        return not self._starved

    def _room(self) -> int:
        return self._channel.capacity if self._channel else 0

    def _ready(self, events: int) -> None:
        if self._over:
            return
        try:
            if events & WRITE:
                self._flush()
            if events & READ and self._wants_input():
                self._forward_input()
        except (OSError, EOFError, paramiko.SSHException) as error:
            LOG.info("a forwarded connection broke: %s", error)
            self.end(reset=True)
        except BaseException:
            self.end(reset=True)
            raise
        self._update()

    def _forward_input(self) -> None:
        channel = self._channel
        if channel is None:
            return
        try:
            data = self._local.recv(channel.capacity)
        except BlockingIOError:
            return
        if data:
            self.meter.sent += len(data)
            channel.send(data)
        else:
            self._local_done = True
            channel.send_eof()

    def _flush(self) -> None:
        count = 0
        with self._lock:
            while self._backlog:
                sent = self._write(self._backlog[0])
                count += sent
                if sent < len(self._backlog[0]):
                    self._backlog[0] = self._backlog[0][sent:]
                    break
                self._backlog.popleft()
            if self._remote_done and not self._backlog:
                self._end_local_output()
        self._count(count)

    def _close_channel(self, *, answered: bool = False) -> None:
        if self._channel is None:
            return
        with suppress(OSError, EOFError, paramiko.SSHException):  # it is gone already then
            self._channel.close()
        if answered or self._connected:
            # They know each other: neither should have to wait for a garbage collection. One that
            # was not answered yet is kept: it must be closed then.
            self._complaint = self._channel.complaint()
            self._channel = None

    # --- on either thread

    def _write(self, data: bytes | memoryview) -> int:
        """Write what the local socket takes now; a broken one takes all, and ends the relay."""
        try:
            return self._local.send(data)
        except BlockingIOError:
            return 0
        except OSError as error:
            LOG.info("the local side of a forwarded connection broke: %s", error)
            self._loop.call(self.end)
            return len(data)

    def _end_local_output(self) -> None:
        with suppress(OSError):  # the local side is gone already: the loop will notice
            self._local.shutdown(socket.SHUT_WR)

    def _count(self, count: int) -> None:
        """Grant the far end what was passed on, from the loop's thread."""
        channel = self._channel
        if channel is not None and channel.consumed(count):
            self._loop.call(self._grant)

    def _grant(self) -> None:
        if not self._over and self._channel is not None:
            try:
                self._channel.grant()
            except (OSError, EOFError, paramiko.SSHException):
                self.end(reset=True)
