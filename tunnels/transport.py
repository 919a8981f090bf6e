"""paramiko's SSH connection, taught to open channels without waiting.

paramiko's ``open_channel`` blocks its caller, knows no ``direct-streamlocal@openssh.com``, and has
one place for the last error, so that of two channels refused at once one is told the other's
reason. Here the request is sent, and the answer goes to the channel's receiver.

What is borrowed from inside paramiko (5.1, pinned) is all in this file: the channel map, the
numbering of channels, the sending that waits for a renewal of keys, the handlers' table, and the
handlers of replies to global requests.
"""

from __future__ import annotations

import socket
import struct
import threading
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING, ClassVar

import paramiko
from paramiko.common import (
    MSG_CHANNEL_CLOSE,
    MSG_CHANNEL_DATA,
    MSG_CHANNEL_EOF,
    MSG_CHANNEL_EXTENDED_DATA,
    MSG_CHANNEL_FAILURE,
    MSG_CHANNEL_REQUEST,
    MSG_CHANNEL_SUCCESS,
    MSG_CHANNEL_WINDOW_ADJUST,
    MSG_GLOBAL_REQUEST,
)
from paramiko.message import Message

from tunnels.channel import Channel
from tunnels.command import CommandChannel
from tunnels.errors import ConnectionLostError
from tunnels.packets import Packetizer
from tunnels.wire import take_int, texts_are_utf8

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from paramiko.transport import ChannelMap

    from tunnels.channel import Destination, Receiver

    Handler = Callable[..., object]

_NUMBER = struct.Struct(">I")
_HEADER = 1 + _NUMBER.size
"""Bytes before the fields of a message on a channel: its kind and the channel's number."""

_IDLE_CHECK = 1.0
"""Seconds after which paramiko's thread looks up from an idle socket (its default is ten times a
second, which adds up over many idle tunnels). Closing does not wait for it."""

_LAST_WORD = 10.0
"""Seconds that the transport's thread may take to end after its socket was shut down."""


def _call(name: str) -> Handler:
    """Call the method of whatever channel is meant, where paramiko always calls its own class."""

    def handle(channel: Any, message: Message) -> None:  # noqa: ANN401 - paramiko's class or ours
        if len(message.get_so_far()) < _NUMBER.size:
            raise paramiko.SSHException("the server sent a message that names no channel")
        getattr(channel, name)(message)

    return handle


class Transport(paramiko.Transport):
    """An SSH connection that carries channels of both kinds, its own and paramiko's sessions."""

    if TYPE_CHECKING:  # what paramiko's type stubs leave out
        active: bool
        _channels: ChannelMap
        _expected_packet: tuple[int, ...]
        packetizer: Packetizer

        def _next_channel(self) -> int: ...
        def _send_message(self, message: Message) -> None: ...

    _channel_handler_table: ClassVar[dict[int, Handler]] = {
        **paramiko.Transport._channel_handler_table,  # type: ignore[attr-defined]  # noqa: SLF001
        MSG_CHANNEL_DATA: _call("_feed"),
        MSG_CHANNEL_EXTENDED_DATA: _call("_feed_extended"),
        MSG_CHANNEL_WINDOW_ADJUST: _call("_window_adjust"),
        MSG_CHANNEL_REQUEST: _call("_handle_request"),
        MSG_CHANNEL_SUCCESS: _call("_request_success"),
        MSG_CHANNEL_FAILURE: _call("_request_failed"),
        MSG_CHANNEL_EOF: _call("_handle_eof"),
        MSG_CHANNEL_CLOSE: _call("_handle_close"),
    }

    def __init__(self, sock: socket.socket, on_end: Callable[[], None] = lambda: None) -> None:
        """Speak SSH over the connected ``sock``, which now belongs to the transport.

        ``on_end`` releases what lies below the socket; it is called once that is closed.
        """
        super().__init__(sock, packetizer_class=Packetizer)
        sock.settimeout(_IDLE_CHECK)
        self._stream = sock
        self._on_end = on_end
        self.packetizer.deliver = self._deliver
        # Held until the answer has come, also for a caller that gave up: it must be closed then.
        self._asked: dict[int, Channel] = {}
        self._kept: deque[Message] = deque()
        self._pings: deque[Callable[[], None]] = deque()

    @property
    def heard(self) -> float:
        """When the last message of the server came, on the clock of ``time.monotonic``."""
        return self.packetizer.heard

    @property
    def is_idle(self) -> bool:
        """Whether it carries no connection, and none was asked for."""
        # The map alone does not tell: paramiko's thread remembers the last channel it served.
        channels: list[object] = [*self._channels.values()]
        return not self._asked and not any(isinstance(c, Channel) and c.is_open for c in channels)

    def ping(self, answered: Callable[[], None]) -> None:
        """Ask the server for a sign of life; ``answered`` is called on the transport's thread.

        OpenSSH's own keepalive: a global request that wants a reply (RFC 4254 section 4), and may
        be refused as well as granted. Raises ``EOFError`` when the connection has ended.
        """
        message = Message()
        message.add_byte(bytes([MSG_GLOBAL_REQUEST]))
        message.add_string("keepalive@openssh.com")
        message.add_boolean(True)  # noqa: FBT003 - the protocol's word, not ours
        self._pings.append(answered)
        self._send_user_message(message)

    def _parse_request_success(self, message: Message) -> None:
        super()._parse_request_success(message)  # type: ignore[misc]
        self._answered()

    def _parse_request_failure(self, message: Message) -> None:
        super()._parse_request_failure(message)  # type: ignore[misc]
        self._answered()

    def _answered(self) -> None:
        # Replies come in the order of the requests (RFC 4254 section 4), and only pings want any.
        if self._pings:
            self._pings.popleft()()

    def open_forward(self, destination: Destination, receiver: Receiver) -> Channel:
        """Ask for a channel to ``destination``; the answer goes to ``receiver``.

        The caller keeps the channel as long as it is interested: paramiko's map holds it weakly.
        Raises ConnectionLostError when the connection has ended.
        """
        with self.lock:
            channel = self._new_channel(destination, receiver)
            self._channels.put(channel.number, channel)  # type: ignore[arg-type]
            self._asked[channel.number] = channel
            self.channels_seen[channel.number] = True
        try:
            self._ask(channel, destination)
        except (ConnectionLostError, paramiko.SSHException, OSError, EOFError):
            if channel.claim_end():
                raise
        return channel  # whose receiver was told, if it was lost

    def _ask(self, channel: Channel, destination: Destination) -> None:
        # After the registration: either the thread's end sees the channel, or we see the end.
        if not self.active:
            raise ConnectionLostError(f"the connection that should reach {destination} has ended")
        self._send_user_message(channel.opening(destination))

    def _deliver(self, payload: bytes) -> bool:
        """Hand data to its channel by the short way; False leaves the message to paramiko."""
        # While keys are exchanged, paramiko sees to it that nothing else comes.
        if payload[0] != MSG_CHANNEL_DATA or len(payload) < _HEADER or self._expected_packet:
            return False
        channel = self._channels.get(_NUMBER.unpack_from(payload, 1)[0])
        if not isinstance(channel, Channel):
            return False
        channel.feed(memoryview(payload)[_HEADER:])
        return True

    def _send_user_message(self, message: Message) -> None:
        """Send a message; wait only while keys are being renewed.

        On the transport's own thread, which renews them, it is kept until that is done.
        """
        with self.clear_to_send_lock:
            if self.active and self.clear_to_send.is_set():
                self._send_message(message)
                return
            if self.active and threading.current_thread() is self:
                self._kept.append(message)
                return
        super()._send_user_message(message)  # type: ignore[misc]

    def _parse_newkeys(self, message: Message) -> None:
        super()._parse_newkeys(message)  # type: ignore[misc]
        while self._kept:
            self._send_user_message(self._kept.popleft())

    def _new_channel(self, destination: Destination, receiver: Receiver) -> Channel:
        number, send = self._next_channel(), self._send_user_message
        if destination.command:
            return CommandChannel(number, send, receiver, destination)
        return Channel(number, send, receiver, str(destination))

    def run(self) -> None:
        """Run paramiko's thread, then tell of its end the channels that were added meanwhile."""
        super().run()
        for channel in self._channels.values():
            channel._unlink()  # type: ignore[attr-defined]  # noqa: SLF001 - as paramiko does

    def _parse_channel_open_success(self, message: Message) -> None:
        number = take_int(message)
        channel = self._asked.pop(number, None)
        if channel is not None:
            fields = (take_int(message) for _ in ("number", "window", "packet"))
            channel._set_remote_channel(*fields)  # noqa: SLF001 - as paramiko does
        elif isinstance(self._channels.get(number), Channel):
            raise paramiko.SSHException(f"the server opens channel {number} twice")
        else:
            message.rewind()
            super()._parse_channel_open_success(message)  # type: ignore[misc]

    def _parse_channel_open_failure(self, message: Message) -> None:
        number = take_int(message)
        channel = self._asked.get(number)
        if channel is not None:
            channel._refused(message)  # noqa: SLF001 - as paramiko does
            # Not before: a message that is cut short ends the connection, which tells all channels.
            del self._asked[number]
            self._channels.delete(number)
        else:
            message.rewind()
            with texts_are_utf8():
                super()._parse_channel_open_failure(message)  # type: ignore[misc]

    def _parse_channel_open(self, message: Message) -> None:
        with texts_are_utf8():
            super()._parse_channel_open(message)  # type: ignore[misc]

    def _parse_global_request(self, message: Message) -> None:
        with texts_are_utf8():
            super()._parse_global_request(message)  # type: ignore[misc]

    def end(self) -> None:
        """End the connection and wait for its thread. Calling it again does nothing.

        paramiko's ``close`` closes the descriptor under its own thread, which may by then read from
        another socket with the same number; a shut down socket ends that thread by itself.
        """
        with suppress(OSError):
            self._stream.shutdown(socket.SHUT_RDWR)
        # The timer that bounds the handshake is a thread too, and outlives a failed handshake.
        self.packetizer.complete_handshake()
        if self.is_alive():
            self.join(_LAST_WORD)
        self.close()
        self._stream.close()
        self._on_end()
