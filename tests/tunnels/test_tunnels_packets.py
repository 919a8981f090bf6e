"""Packets under AES-GCM: whole however they arrive, refused when altered, counted for new keys."""

from __future__ import annotations

import socket
import struct
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import paramiko
import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given, settings
from hypothesis import strategies as st
from paramiko.message import Message

from tunnels.packets import Packetizer

if TYPE_CHECKING:
    from collections.abc import Iterator

KEY = AESGCM(bytes(range(16)))
IV = bytes(12)
PAYLOADS = st.lists(st.binary(min_size=1, max_size=3000), min_size=1, max_size=8)


class Pair:
    """A packetizer that writes, one that reads, and the bytes between them in our hands."""

    def __init__(self) -> None:
        self.written, writes = socket.socketpair()
        self.feeds, reads = socket.socketpair()
        self.sockets = (self.written, writes, self.feeds, reads)
        for sock in self.sockets:
            sock.settimeout(10)
        self.writer, self.reader = Packetizer(writes), Packetizer(reads)
        key: Any = KEY  # paramiko's type stubs know of no key that authenticates by itself
        no: Any = None
        self.writer.set_outbound_cipher(key, 16, no, 16, no, aead=True, iv_out=IV)
        self.reader.set_inbound_cipher(key, 16, no, 16, no, aead=True, iv_in=IV)

    def packet(self, payload: bytes) -> bytes:
        self.writer.send_message(Message(payload))
        return self.written.recv(1 << 20)

    def read(self) -> bytes:
        kind, message = self.reader.read_message()
        return bytes([kind]) + message.asbytes()


@contextmanager
def pair() -> Iterator[Pair]:
    made = Pair()
    try:
        yield made
    finally:
        for sock in made.sockets:
            sock.close()


@settings(deadline=None)
@given(PAYLOADS, st.data())
def test_what_was_sent_arrives_however_it_is_cut(
    payloads: list[bytes], data: st.DataObject
) -> None:
    with pair() as made:
        stream = b"".join(made.packet(payload) for payload in payloads)
        cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=6)))
        found: list[bytes] = []
        sent = 0
        for cut in [*cuts, len(stream)]:
            made.feeds.sendall(stream[sent:cut])
            sent = cut
            while len(found) < len(payloads) and _complete(payloads, len(found)) <= sent:
                found.append(made.read())
        assert found == payloads


def _complete(payloads: list[bytes], count: int) -> int:
    """How many bytes must have come for ``count`` packets and one more, by RFC 5647 section 7.2."""
    return sum(4 + -(-(len(payload) + 5) // 16) * 16 + 16 for payload in payloads[: count + 1])


@settings(deadline=None)
@given(st.binary(min_size=1, max_size=200), st.data())
def test_a_packet_that_was_altered_is_refused(payload: bytes, data: st.DataObject) -> None:
    with pair() as made:
        packet = bytearray(made.packet(payload))
        packet[data.draw(st.integers(0, len(packet) - 1))] ^= data.draw(st.integers(1, 255))
        made.feeds.sendall(packet)
        made.feeds.shutdown(socket.SHUT_WR)
        # The end of file comes first where the length was altered, and more was waited for.
        with pytest.raises((paramiko.SSHException, EOFError)):
            made.read()


@settings(deadline=None)
@given(st.binary(max_size=300))
def test_bytes_of_any_kind_are_no_packet(garbage: bytes) -> None:
    with pair() as made:
        made.feeds.sendall(garbage)
        made.feeds.shutdown(socket.SHUT_WR)
        with pytest.raises((paramiko.SSHException, EOFError)):
            made.read()


@pytest.mark.parametrize("size", [0, 15, 17, 65 * 1024, 0xFFFFFFF0])
def test_a_length_that_no_packet_has_is_refused_before_it_is_waited_for(size: int) -> None:
    with pair() as made:
        made.feeds.sendall(struct.pack(">I", size))
        with pytest.raises(paramiko.SSHException, match="cannot be"):
            made.read()


def test_padding_alone_is_no_message() -> None:
    with pair() as made:
        length = struct.pack(">I", 16)
        made.feeds.sendall(length + KEY.encrypt(IV, bytes([15]) + bytes(15), length))
        with pytest.raises(paramiko.SSHException, match="padding"):
            made.read()


def test_more_than_there_is_room_for_comes_in_order() -> None:
    payloads = [bytes([number]) * 32_000 for number in range(1, 30)]
    with pair() as made, ThreadPoolExecutor(1) as pool:
        stream = b"".join(made.packet(payload) for payload in payloads)
        sending = pool.submit(made.feeds.sendall, stream)
        assert [made.read() for _ in payloads] == payloads
        sending.result(10)


def test_what_is_delivered_is_not_returned() -> None:
    taken: list[bytes] = []

    def deliver(payload: bytes) -> bool:
        taken.append(payload)
        return payload.startswith(b"^")

    with pair() as made:
        made.reader.deliver = deliver
        for payload in (b"^one", b"^two", b"three"):
            made.feeds.sendall(made.packet(payload))
        assert made.read() == b"three"
    assert taken == [b"^one", b"^two", b"three"]


@pytest.mark.parametrize("limit", ["REKEY_BYTES", "REKEY_PACKETS"])
def test_new_keys_are_asked_for_after_so_many_packets_or_bytes(
    limit: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Packetizer, limit, {"REKEY_BYTES": 150, "REKEY_PACKETS": 3}[limit])
    with pair() as made:
        for _ in range(2):
            made.feeds.sendall(made.packet(b"hello"))
            assert made.read() == b"hello"
        assert not made.writer.need_rekey()
        assert not made.reader.need_rekey()
        for _ in range(3):
            made.feeds.sendall(made.packet(b"hello" * 20))
            assert made.read() == b"hello" * 20  # paramiko's own way, while keys are to be renewed
        assert made.writer.need_rekey()
        assert made.reader.need_rekey()
