"""A server that may say anything: the connection goes on or ends, and nobody is left waiting."""

from __future__ import annotations

import socket
import struct
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

import paramiko
import pytest
from far_ends import PATIENCE
from hypothesis import event, example, given, settings
from hypothesis import strategies as st
from paramiko.message import Message
from recording_server import Session

from tunnels.channel import Channel, tcp_destination
from tunnels.transport import Transport

if TYPE_CHECKING:
    from collections.abc import Iterator

KEY = paramiko.ECDSAKey.generate()
OF_CHANNELS = st.sampled_from([90, 91, 92, 93, 94, 95, 96, 97, 98, 99, 100])
NUMBERS = st.one_of(st.integers(0, 2), st.integers(0, 0xFFFFFFFF))


class Listener:
    """Takes note of what a channel reports."""

    def __init__(self) -> None:
        self.is_open = threading.Event()
        self.is_over = threading.Event()
        self.heard = 0

    def opened(self) -> None:
        self.is_open.set()

    def refused(self, _reason: int, _text: str) -> None:
        self.is_over.set()

    def received(self, data: memoryview) -> None:
        self.heard += len(data)

    def ended(self) -> None:
        pass

    def closed(self, *, lost: bool) -> None:  # noqa: ARG002 - either way it is over
        self.is_over.set()

    def room(self) -> None:
        pass


class Connection:
    """One of our transports, and the server that it is connected to."""

    def __init__(self, near: socket.socket, far: socket.socket) -> None:
        self.server = Session(far, KEY)
        self.server.serve()
        self.client = Transport(near)
        self.client.start_client(timeout=PATIENCE)
        self.client.auth_none("somebody")
        self.listener, self.asking = Listener(), Listener()
        self.channel = self._open(self.listener)
        self.accepted = self.server.accept(PATIENCE)  # kept: paramiko closes what is forgotten
        assert self.accepted is not None
        assert self.listener.is_open.wait(PATIENCE)
        # And one that is asked for, but has no answer.
        self.server.fall_silent()
        self.asked = self._open(self.asking)

    def _open(self, listener: Listener) -> Channel:
        return self.client.open_forward(tcp_destination("far.example", 80), listener)

    def goes_on(self) -> bool:
        """Whether the client still answers; if not, see that it has come to an end by itself."""
        if self.server.is_answered():
            assert self.client.is_active()
            return True
        self.client.join(PATIENCE)
        assert not self.client.is_alive()
        assert self.listener.is_over.wait(PATIENCE)
        assert self.asking.is_over.wait(PATIENCE)
        return False


@contextmanager
def connection() -> Iterator[Connection]:
    near, far = socket.socketpair()
    made = Connection(near, far)
    try:
        yield made
    finally:
        made.client.end()
        made.server.close()
        made.server.join(PATIENCE)


# What a server may well say on the channel that is open.
PROPER = st.one_of(
    st.binary(max_size=60).map(lambda data: struct.pack(">BII", 94, 0, len(data)) + data),
    st.integers(0, 100_000).map(lambda count: struct.pack(">BII", 93, 0, count)),
    st.booleans().map(lambda wanted: struct.pack(">BIIcB", 98, 0, 1, b"x", wanted)),
    st.just(struct.pack(">BIII", 95, 0, 1, 0)),
)


@st.composite
def anything(draw: st.DrawFn) -> bytes:
    """A message about a channel: any bytes, or plausible fields with any numbers in them."""
    kind = bytes([draw(OF_CHANNELS)])
    if draw(st.booleans()):
        return kind + draw(st.binary(max_size=40))
    fields = draw(st.lists(NUMBERS, min_size=1, max_size=4))
    return kind + struct.pack(f">{len(fields)}I", *fields) + draw(st.binary(max_size=20))


ASKS_FOR_AN_ANSWER = struct.pack(">BIIcB", 98, 0, 1, b"x", 1)
DATA = struct.pack(">BIIB", 94, 0, 1, 0)


@settings(deadline=None, max_examples=40)
@example([ASKS_FOR_AN_ANSWER, DATA, DATA], [])
@given(st.lists(PROPER, max_size=5), st.lists(anything(), max_size=3))
def test_whatever_a_server_says_the_connection_goes_on_or_ends(
    proper: list[bytes], more: list[bytes]
) -> None:
    with connection() as made:
        for message in proper:
            made.server.say(Message(message))
        assert made.goes_on()
        for message in more:
            made.server.say(Message(message))
        if made.goes_on():
            event("goes on")
            return
        event("has ended")
        # The transport tells why; paramiko says of an unknown channel only in its log.
        assert isinstance(made.client.saved_exception, paramiko.SSHException | None)


def test_the_server_says_nothing_but_what_it_is_told_to() -> None:
    """paramiko's own would close the channel whose request was refused, at its own time."""
    with connection() as made:
        made.server.say(Message(ASKS_FOR_AN_ANSWER))
        assert made.goes_on()  # it has heard the refusal now
        made.server.say(Message(DATA))
        assert made.goes_on()
        assert made.listener.heard == 1


BREACHES = {
    "data beyond its own length": ("cut short", struct.pack(">BIII", 94, 0, 1000, 0)),
    "data that is cut short": ("cut short", struct.pack(">BI", 94, 0)),
    "extended data that is cut short": ("cut short", struct.pack(">BIII", 95, 0, 1, 50)),
    "a window beyond the largest": ("too wide", struct.pack(">BII", 93, 0, 0xFFFFFFFF)),
    "a window without a size": ("cut short", struct.pack(">BI", 93, 0)),
    "an opening of what is open": ("twice", struct.pack(">BIIII", 91, 0, 5, 5, 5)),
    "an opening without its fields": ("cut short", struct.pack(">BII", 91, 1, 5)),
    "an opening for packets of no size": ("no size", struct.pack(">BIIII", 91, 1, 5, 5, 0)),
    "a refusal without a reason": ("cut short", struct.pack(">BI", 92, 1)),
    "data on what is not open yet": ("may not send", struct.pack(">BIIB", 94, 1, 1, 0)),
    "an end of what is not open yet": ("not open", struct.pack(">BI", 96, 1)),
    "a close of what is not open yet": ("not open", struct.pack(">BI", 97, 1)),
    "a request without a name": ("cut short", struct.pack(">BI", 98, 0)),
    "an answer to no request": ("not made", struct.pack(">BI", 99, 0)),
    "a refusal of no request": ("not made", struct.pack(">BI", 100, 0)),
    "no channel's number": ("names no channel", b"\x60\x00"),
    "an opening in no known letters": ("no UTF-8", struct.pack(">BIB", 90, 1, 0xFF) + bytes(12)),
    "a refusal in no known letters": (
        "no UTF-8",
        struct.pack(">BIIIB", 92, 7, 2, 1, 0xFF) + bytes(4),
    ),
    "a request of no channel in no known letters": (
        "no UTF-8",
        struct.pack(">BIBB", 80, 1, 0xFF, 0),
    ),
}


@pytest.mark.parametrize(("words", "message"), BREACHES.values(), ids=BREACHES)
def test_a_breach_of_the_protocol_ends_the_connection(words: str, message: bytes) -> None:
    with connection() as made:
        assert (made.channel.number, made.asked.number) == (0, 1)
        made.server.say(Message(message))
        assert not made.goes_on()
        assert isinstance(made.client.saved_exception, paramiko.SSHException)
        assert words in str(made.client.saved_exception)
        assert made.listener.heard == 0


def test_data_after_the_end_ends_the_connection() -> None:
    with connection() as made:
        made.server.say(Message(struct.pack(">BI", 96, 0)))
        assert made.goes_on()
        made.server.say(Message(DATA))
        assert not made.goes_on()
        assert made.listener.heard == 0


def test_a_refusal_in_no_known_letters_is_told_all_the_same() -> None:
    with connection() as made:
        made.server.say(Message(struct.pack(">BIII", 92, 1, 2, 3) + b"\xff\xfeB" + bytes(4)))
        assert made.goes_on()
        assert made.asking.is_over.is_set()
