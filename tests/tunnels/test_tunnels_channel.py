"""The messages that we build ourselves, and the accounts of the window, without a connection."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from paramiko.common import MSG_CHANNEL_REQUEST
from paramiko.message import Message

from tunnels.channel import WINDOW, Channel, socket_destination, tcp_destination
from tunnels.command import CommandChannel, command_destination


class Recorder:
    """Takes note of what a channel reports."""

    def __init__(self) -> None:
        self.heard: list[object] = []

    def opened(self) -> None:
        self.heard.append("opened")

    def refused(self, reason: int, text: str) -> None:
        self.heard.append((reason, text))

    def received(self, data: memoryview) -> None:
        self.heard.append(bytes(data))

    def ended(self) -> None:
        self.heard.append("ended")

    def closed(self, *, lost: bool) -> None:
        self.heard.append("lost" if lost else "closed")

    def room(self) -> None:
        self.heard.append("room")


@pytest.fixture
def sent() -> list[bytes]:
    return []


@pytest.fixture
def channel(sent: list[bytes]) -> Channel:
    channel = Channel(7, lambda m: sent.append(m.asbytes()), Recorder(), "somewhere")
    channel._set_remote_channel(9, 100, 65536)
    return channel


def string(data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + data


def message(*numbers: int) -> Message:
    return Message(struct.pack(f">{len(numbers)}I", *numbers))


@settings(deadline=None)  # the machine may be busy
@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1))
def test_a_socket_is_asked_for_as_openssh_has_it(path: str) -> None:
    """PROTOCOL of OpenSSH, 2.4: the path, a reserved string, a reserved uint32."""
    destination = socket_destination(path)
    opening = Channel(7, lambda _: None, Recorder(), "").opening(destination).asbytes()
    assert opening == (
        b"\x5a"
        + string(b"direct-streamlocal@openssh.com")
        + struct.pack(">III", 7, WINDOW, 32768)
        + string(path.encode())
        + string(b"")
        + struct.pack(">I", 0)
    )


@settings(deadline=None)
@given(st.text("abc.-:", min_size=1), st.integers(1, 65535))
def test_a_port_is_asked_for_as_the_standard_has_it(host: str, port: int) -> None:
    """RFC 4254, 7.2: string host, uint32 port, string originator, uint32 originator's port."""
    destination = tcp_destination(host, port)
    opening = Channel(7, lambda _: None, Recorder(), "").opening(destination).asbytes()
    assert opening == (
        b"\x5a"
        + string(b"direct-tcpip")
        + struct.pack(">III", 7, WINDOW, 32768)
        + string(host.encode())
        + struct.pack(">I", port)
        + string(b"127.0.0.1")
        + struct.pack(">I", 0)
    )


def test_what_is_sent_uses_up_the_window(channel: Channel, sent: list[bytes]) -> None:
    assert channel.capacity == 100
    channel.send(b"hello")
    assert channel.capacity == 95
    channel._window_adjust(message(1_000_000))
    assert channel.capacity == 32768  # never more in one message
    assert sent == [b"\x5e" + struct.pack(">I", 9) + string(b"hello")]


def test_an_eighth_of_the_window_is_granted_again_once_it_is_passed_on(
    channel: Channel, sent: list[bytes]
) -> None:
    eighth = WINDOW // 8
    assert not channel.consumed(eighth - 1)
    assert channel.consumed(1)
    assert not channel.consumed(10)  # it was said already
    channel.grant()
    assert sent == [b"\x5d" + struct.pack(">II", 9, eighth + 10)]
    assert not channel.consumed(1)


def test_it_ends_and_closes_once(channel: Channel, sent: list[bytes]) -> None:
    channel.send_eof()
    channel.send_eof()
    channel.close()
    channel.close()
    channel.send_eof()
    channel.grant()
    assert sent == [b"\x60" + struct.pack(">I", 9), b"\x61" + struct.pack(">I", 9)]


def test_a_channel_that_is_not_open_says_nothing(sent: list[bytes]) -> None:
    channel = Channel(7, lambda m: sent.append(m.asbytes()), Recorder(), "somewhere")
    channel.send_eof()
    channel.close()
    assert sent == []


def test_its_receiver_hears_what_comes() -> None:
    receiver = Recorder()
    channel = Channel(7, lambda _: None, receiver, "somewhere")
    channel._set_remote_channel(9, 100, 32768)
    channel._feed(Message(string(b"data")))
    channel._feed_extended(Message(struct.pack(">I", 1) + string(b"stderr")))
    channel._handle_request(Message(string(b"whatever") + b"\0"))
    channel._window_adjust(message(5))
    channel._handle_eof(message())
    channel._handle_close(message())
    channel._unlink()
    assert receiver.heard == ["opened", b"data", "room", "ended", "closed", "lost"]


def test_the_loss_of_the_connection_is_told_once(channel: Channel) -> None:
    # paramiko tells it when its thread ends, and again when the connection is closed.
    channel._unlink()
    channel._unlink()
    assert isinstance(channel._receiver, Recorder)
    assert channel._receiver.heard[-2:] == ["opened", "lost"]


def test_a_loss_that_the_asker_was_told_is_not_told_again(channel: Channel) -> None:
    assert channel.claim_end()
    channel._unlink()
    assert not channel.claim_end()
    assert isinstance(channel._receiver, Recorder)
    assert channel._receiver.heard == ["opened"]


def test_a_command_that_is_granted_at_once_is_ready_once() -> None:
    def grant_requests(message: Message) -> None:
        if message.asbytes()[0] == MSG_CHANNEL_REQUEST:
            carried._request_success(Message())

    recorder = Recorder()
    carried = CommandChannel(7, grant_requests, recorder, command_destination("cat", "a socket"))
    carried._set_remote_channel(9, 100, 65536)
    assert not carried.ready()
    assert recorder.heard == ["opened", "opened"]
    assert carried.ready()
