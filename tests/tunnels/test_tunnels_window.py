"""The accounts of the window: what we send, and what we let ourselves be sent."""

from __future__ import annotations

import struct

import paramiko
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from paramiko.message import Message

from tunnels.channel import WINDOW, Channel


class Sink:
    """Takes what a channel reports; the tests look at what is sent."""

    def __init__(self) -> None:
        self.received_bytes = 0

    def opened(self) -> None:
        pass

    def refused(self, reason: int, text: str) -> None:
        raise AssertionError((reason, text))

    def received(self, data: memoryview) -> None:
        self.received_bytes += len(data)

    def ended(self) -> None:
        pass

    def closed(self, *, lost: bool) -> None:
        raise AssertionError(lost)

    def room(self) -> None:
        pass


def _field(size: int) -> memoryview:
    return memoryview(struct.pack(">I", size) + bytes(size))


class Window(RuleBasedStateMachine):
    """A far end that grants and sends as it likes; the books are kept here a second time."""

    def __init__(self) -> None:
        super().__init__()
        self._begin()

    def _begin(self) -> None:
        self.sink = Sink()
        self.data_sent = 0
        self.may_receive = WINDOW
        self.channel = Channel(1, self._sent, self.sink, "somewhere")
        self.granted = 5000
        self.channel._set_remote_channel(2, self.granted, 2000)
        self.passed_on = 0

    def _sent(self, message: Message) -> None:
        data = message.asbytes()
        if data[0] == 94:
            size = struct.unpack(">I", data[5:9])[0]
            assert size == len(data) - 9 <= 2000
            self.data_sent += size
        else:
            assert data[0] == 93
            self.may_receive += struct.unpack(">I", data[5:9])[0]

    @rule(wish=st.integers(1, 5000))
    def send_as_much_as_there_is_room_for(self, wish: int) -> None:
        size = min(wish, self.channel.capacity)
        if size:
            self.channel.send(bytes(size))

    @rule(count=st.integers(0, 10_000))
    def be_granted_more(self, count: int) -> None:
        self.channel._window_adjust(Message(struct.pack(">I", count)))
        self.granted += count

    @rule(share=st.one_of(st.just(1.0), st.floats(0, 1)))
    def receive_what_may_come(self, share: float) -> None:
        size = int(self.may_receive * share)
        self.channel.feed(_field(size))
        self.may_receive -= size

    @rule()
    def receive_a_byte_too_many(self) -> None:
        """End the connection, with nothing passed on; it all begins anew."""
        before = self.sink.received_bytes
        with pytest.raises(paramiko.SSHException, match="may not send"):
            self.channel.feed(_field(self.may_receive + 1))
        assert self.sink.received_bytes == before
        self._begin()

    @precondition(lambda self: self.sink.received_bytes > self.passed_on)
    @rule(share=st.floats(0.1, 1))
    def pass_on(self, share: float) -> None:
        count = max(1, int((self.sink.received_bytes - self.passed_on) * share))
        self.passed_on += count
        if self.channel.consumed(count):
            self.channel.grant()

    @invariant()
    def never_beyond_the_window(self) -> None:
        assert self.data_sent <= self.granted
        assert self.channel.capacity == min(self.granted - self.data_sent, 2000)

    @invariant()
    def never_holds_more_than_a_window(self) -> None:
        assert 0 <= self.may_receive <= WINDOW
        assert self.sink.received_bytes - self.passed_on <= WINDOW


TestWindow = Window.TestCase
TestWindow.settings = settings(deadline=None, max_examples=60, stateful_step_count=40)


def test_a_window_never_grows_beyond_what_the_standard_allows() -> None:
    channel = Channel(1, lambda _: None, Sink(), "somewhere")
    channel._set_remote_channel(2, 0xFFFFFFFF - 5, 32768)
    channel._window_adjust(Message(struct.pack(">I", 5)))
    with pytest.raises(paramiko.SSHException, match="too wide"):
        channel._window_adjust(Message(struct.pack(">I", 1)))
