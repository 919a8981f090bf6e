"""One forwarded connection inside an SSH connection: a channel of RFC 4254, section 5.

paramiko's own Channel is made for a thread that blocks: it copies what arrives into a buffer, has
no descriptor to select on but one made of a pipe, and answers a close from the transport's thread,
which waits for itself when the keys are being renewed at that moment. This one keeps nothing: what
arrives is handed to its receiver at once, on the transport's thread, and everything it sends is
sent by the caller. The names with an underscore are those by which paramiko's Transport calls a
channel.
"""

from __future__ import annotations

import struct
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import paramiko
from paramiko.common import (
    MSG_CHANNEL_CLOSE,
    MSG_CHANNEL_DATA,
    MSG_CHANNEL_EOF,
    MSG_CHANNEL_FAILURE,
    MSG_CHANNEL_OPEN,
    MSG_CHANNEL_WINDOW_ADJUST,
)
from paramiko.message import Message

from tunnels.wire import take_bytes, take_flag, take_int, take_text

if TYPE_CHECKING:
    from collections.abc import Callable

WINDOW = 2 * 1024 * 1024
"""Bytes the far end may send before we grant more: what one connection can make us hold."""

_GRANT = WINDOW // 8
"""Bytes passed on before we grant them again: rare enough to be cheap, and never a stall."""

_MAX_PACKET = 32 * 1024
"""Bytes of data in one message, either way; RFC 4253 section 6.1 has everybody take as much."""


_LARGEST_WINDOW = 0xFFFFFFFF
"""Bytes that a window may have (RFC 4254 section 5.2)."""

_LENGTH = struct.Struct(">I")
_DATA = struct.Struct(">BII")


@dataclass(frozen=True)
class Destination:
    """What a channel is to reach: the channel type and the data this type adds to CHANNEL_OPEN.

    A ``command`` is run in the channel once it is open (``command.CommandChannel``).
    """

    kind: str
    data: bytes
    told: str
    command: str = ""

    def __str__(self) -> str:
        """Print as a person would write it."""
        return self.told


def tcp_destination(host: str, port: int) -> Destination:
    """Reach a TCP port from the server: ``direct-tcpip`` of RFC 4254 section 7.2."""
    message = Message()
    message.add_string(host)
    message.add_int(port)
    # Who connected to us: for the server's log only.
    message.add_string("127.0.0.1")
    message.add_int(0)
    return Destination("direct-tcpip", message.asbytes(), f"{host}:{port}")


def socket_destination(path: str) -> Destination:
    """Reach a UNIX socket on the server: ``direct-streamlocal@openssh.com``.

    OpenSSH's PROTOCOL file, section 2.4: the path, a reserved string and a reserved uint32.
    """
    message = Message()
    message.add_string(path)
    message.add_string("")
    message.add_int(0)
    return Destination("direct-streamlocal@openssh.com", message.asbytes(), path)


class Receiver(Protocol):
    """What a channel reports to, on the transport's thread: no method may wait for anything."""

    def opened(self) -> None:
        """Take note that the far end has accepted the channel."""

    def refused(self, reason: int, text: str) -> None:
        """Take note that the server refused it; ``reason`` as in RFC 4254 section 5.1."""

    def received(self, data: memoryview) -> None:
        """Take data, which counts against the window until it is passed to Channel.consumed."""

    def ended(self) -> None:
        """Take note that no more data will come; the other direction stays open."""

    def closed(self, *, lost: bool) -> None:
        """Take note that the far end closed it, or that the whole connection is ``lost``."""

    def room(self) -> None:
        """Take note that the far end accepts more data."""


class Channel:
    """One channel. Its sending methods may block while the connection is congested."""

    def __init__(
        self, number: int, send: Callable[[Message], None], receiver: Receiver, told: str
    ) -> None:
        """Make channel ``number``, which sends with ``send`` and reports to ``receiver``."""
        self.number = number
        self._send = send
        self._receiver = receiver
        self._told = told
        self._lock = threading.Lock()
        self._remote_number = 0
        self._granted = WINDOW
        self._room = 0
        self._max_packet = 0
        self._consumed = 0
        self._lost = False
        self._known = False  # to the far end, which has accepted it
        self._open = False
        self._ended = False
        self._eof_sent = False

    def __str__(self) -> str:
        """Print what it reaches."""
        return self._told

    def opening(self, destination: Destination) -> Message:
        """Build the message that asks for this channel."""
        message = Message()
        message.add_byte(bytes([MSG_CHANNEL_OPEN]))
        message.add_string(destination.kind)
        message.add_int(self.number)
        message.add_int(WINDOW)
        message.add_int(_MAX_PACKET)
        message.add_bytes(destination.data)
        return message

    def ready(self) -> bool:
        """Go on after the opening, on the loop's thread; False when ``opened`` will be told again.

        A forwarded connection is ready when it is open.
        """
        return True

    def complaint(self, _patience: float = 0.0) -> str:
        """Tell what went wrong at the far end, which says it in up to ``_patience`` seconds.

        A forwarded connection has no words for that: "".
        """
        return ""

    def claim_end(self) -> bool:
        """Tell whether the caller is the first to learn that the connection has ended.

        It alone tells the receiver: by another word that came late, a receiver that has another
        channel meanwhile would give that one up.
        """
        with self._lock:
            first, self._lost = not self._lost, True
        return first

    @property
    def is_open(self) -> bool:
        """Whether the far end has accepted it, and we have not closed it."""
        return self._open

    @property
    def capacity(self) -> int:
        """Bytes that one call of send takes now; 0 until Receiver.room is called."""
        return min(self._room, self._max_packet)

    def send(self, data: bytes) -> None:
        """Send at most ``capacity`` bytes."""
        with self._lock:
            self._room -= len(data)
        self._send(Message(_DATA.pack(MSG_CHANNEL_DATA, self._remote_number, len(data)) + data))

    def consumed(self, count: int) -> bool:
        """Count ``count`` bytes as passed on; tell whether it is time to call grant."""
        with self._lock:
            before = self._consumed
            self._consumed += count
            return before < _GRANT <= self._consumed

    def grant(self) -> None:
        """Let the far end send again what has been passed on."""
        with self._lock:
            count, self._consumed = self._consumed, 0
            self._granted += count
        if self._open:
            message = self._message(MSG_CHANNEL_WINDOW_ADJUST)
            message.add_int(count)
            self._send(message)

    def send_eof(self) -> None:
        """Say that no more data will come from this side. Calling it again does nothing."""
        if self._open and not self._eof_sent:
            self._eof_sent = True
            self._send(self._message(MSG_CHANNEL_EOF))

    def close(self) -> None:
        """Close the channel, which is also the answer to the far end's close. Once is enough."""
        if self._open:
            self._open = False
            self._send(self._message(MSG_CHANNEL_CLOSE))

    def _message(self, kind: int) -> Message:
        message = Message()
        message.add_byte(bytes([kind]))
        message.add_int(self._remote_number)
        return message

    # --- called by paramiko's Transport, on its thread. What no server may send raises
    # paramiko.SSHException, which ends the connection: nothing more of it can be believed.

    def _set_remote_channel(self, number: int, room: int, max_packet: int) -> None:
        if max_packet == 0:
            raise paramiko.SSHException(f"the server opens {self} for packets of no size")
        self._remote_number = number
        self._room = room
        self._max_packet = min(max_packet, _MAX_PACKET)
        self._known = self._open = True
        self._receiver.opened()

    def _refused(self, message: Message) -> None:
        """Take the reason and text of CHANNEL_OPEN_FAILURE (RFC 4254 section 5.1)."""
        self._receiver.refused(take_int(message), take_text(message))

    def feed(self, field: memoryview) -> None:
        """Take the one field of CHANNEL_DATA, a string (RFC 4254 section 5.2)."""
        size = len(field) - _LENGTH.size
        if size < 0 or _LENGTH.unpack_from(field)[0] != size:
            raise paramiko.SSHException(f"the server sent data on {self} that is cut short")
        self._take_window(size)
        self._receiver.received(field[_LENGTH.size :])

    def _feed(self, message: Message) -> None:
        self.feed(memoryview(message.get_remainder()))

    def _feed_extended(self, message: Message) -> None:
        """Pass over what only sessions send (RFC 4254 section 5.2)."""
        take_int(message)
        self._take_window(len(take_bytes(message)))

    def _take_window(self, size: int) -> None:
        with self._lock:
            self._granted -= size
            if self._granted < 0 or self._ended or not self._known:
                raise paramiko.SSHException(f"the server sent data on {self} that it may not send")

    def _window_adjust(self, message: Message) -> None:
        count = take_int(message)
        with self._lock:
            self._room += count
            if self._room > _LARGEST_WINDOW or not self._known:
                raise paramiko.SSHException(f"the server opens the window of {self} too wide")
        self._receiver.room()

    def _handle_eof(self, _message: Message) -> None:
        self._expect_known()
        self._ended = True
        self._receiver.ended()

    def _handle_close(self, _message: Message) -> None:
        self._expect_known()
        self._ended = True
        self._receiver.closed(lost=False)

    def _handle_request(self, message: Message) -> None:
        """Refuse requests: none is defined that we would have to grant.

        But an answer is owed to who wants one (RFC 4254 section 5.4): by it sshd sees that we are
        alive (ClientAliveInterval), and ends the connection if it does not come.
        """
        self._expect_known()
        kind = take_text(message)
        if take_flag(message) and self._open:
            self._send(self._message(MSG_CHANNEL_FAILURE))
        self._take_request(kind, message)

    def _take_request(self, kind: str, message: Message) -> None:
        """Pass over what follows: forwarded connections have no requests."""

    def _request_success(self, _message: Message) -> None:
        """Take an answer that nobody asked for."""
        raise paramiko.SSHException(f"the server answers a request on {self} that was not made")

    _request_failed = _request_success

    def _expect_known(self) -> None:
        if not self._known:
            raise paramiko.SSHException(f"the server talks on {self}, which is not open")

    def _unlink(self) -> None:
        if self.claim_end():
            self._receiver.closed(lost=True)
