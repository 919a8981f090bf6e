"""paramiko's packets (RFC 4253 section 6), read ahead and with less work for each.

paramiko asks the kernel twice or more for every packet, and takes it apart in many small steps; of
a ping through a tunnel that is the largest part. Here what has arrived is read at once, and packets
under AES-GCM (RFC 5647), the cipher we ask for first, go a short way. All other ciphers, the
handshake and a renewal of keys go paramiko's way, over the same buffer.

This class has the name of the one it stands for, because Python mixes a class's name into names
with two underscores: so it shares paramiko's own keys, counters and lock (paramiko 5.1, pinned).
"""

from __future__ import annotations

import os
import socket
import struct
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import paramiko
from cryptography.exceptions import InvalidTag
from paramiko.message import Message
from paramiko.packet import NeedRekeyException

if TYPE_CHECKING:
    from collections.abc import Callable
    from threading import RLock

    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    Deliver = Callable[[bytes], bool]

_LARGEST = 64 * 1024
"""Bytes of the largest packet that is taken: RFC 4253 section 6.1 asks for 35,000, and our channels
for no more. A length is read before it is authenticated: it must not make us hold, or await, more.
"""

_ROOM = 2 * _LARGEST
_TAG = 16
_BLOCK = 16
_SEQUENCE = 0xFFFFFFFF
_LENGTH = struct.Struct(">I")
_HEAD = struct.Struct(">IB")
_TIME = struct.Struct("@ll")
_COUNTER = struct.Struct(">4sQ")


def _next_iv(iv: bytes) -> bytes:
    """Count the invocations: the last eight of the twelve bytes (RFC 5647 section 7.1)."""
    fixed, counter = _COUNTER.unpack(iv)
    return _COUNTER.pack(fixed, (counter + 1) & 0xFFFFFFFFFFFFFFFF)


class Packetizer(paramiko.packet.Packetizer):
    """Reads and writes packets. One thread may read; any may write."""

    if TYPE_CHECKING:  # paramiko's own, which its type stubs leave out
        _initial_kex_done: bool
        __aead_in: bool
        __aead_out: bool
        __block_engine_in: AESGCM
        __block_engine_out: AESGCM
        __closed: bool
        __compress_engine_in: object
        __compress_engine_out: object
        __dump_packets: bool
        __iv_in: bytes
        __iv_out: bytes
        __need_rekey: bool
        __received_bytes: int
        __received_packets: int
        __remainder: bytes
        __sent_bytes: int
        __sent_packets: int
        __sequence_number_in: int
        __sequence_number_out: int
        __write_lock: RLock

        def _trigger_rekey(self) -> None: ...
        def _check_keepalive(self) -> None: ...

    def __init__(self, sock: socket.socket) -> None:
        """Read from and write to ``sock``."""
        super().__init__(sock)
        self.deliver: Deliver | None = None
        """Is given each payload on the reading thread; what it takes (True) is not returned."""
        self.heard = time.monotonic()
        """When something last came from the server, on this clock."""
        self._stream = sock
        self._room = memoryview(bytearray(_ROOM))
        self._start = self._end = 0
        # Only Linux has the option, and needs it; a connection through a proxy is no TCP socket.
        internet = sock.family in {socket.AF_INET, socket.AF_INET6}
        self._delays = internet and hasattr(socket, "TCP_QUICKACK")

    def set_inbound_cipher(self, *arguments: Any, **options: Any) -> None:  # noqa: ANN401 - paramiko's
        """Take the keys for reading; from now on let the kernel keep the time.

        A socket with a timeout of Python's is asked whether it is ready before each call.
        """
        super().set_inbound_cipher(*arguments, **options)
        seconds = self._stream.gettimeout()
        if seconds:
            self._stream.settimeout(None)
            limit = _TIME.pack(int(seconds), int(seconds % 1 * 1_000_000))
            self._stream.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, limit)

    def close(self) -> None:
        """Close the socket; whoever waits for it to read or write is woken."""
        with suppress(OSError):  # the server has closed it already
            self._stream.shutdown(socket.SHUT_RDWR)
        super().close()

    # --- reading

    def read_all(self, n: int, check_rekey: bool = False) -> bytes:  # noqa: FBT001, FBT002 - paramiko's signature
        """Read ``n`` bytes, for paramiko's own way. Raises EOFError, NeedRekeyException."""
        out = self.__remainder[:n]  # what was read beyond the server's first line
        self.__remainder = self.__remainder[n:]
        while len(out) < n:
            if self._start == self._end:
                self._receive(check_rekey=check_rekey and not out)
            stop = min(self._end, self._start + n - len(out))
            out += self._room[self._start : stop]
            self._start = stop
        return out

    def read_message(self) -> tuple[int, Message]:
        """Read the next message that ``deliver`` does not take.

        Raises SSHException for a packet that is malformed or forged, EOFError at the end of the
        connection, NeedRekeyException when keys should be renewed and nothing arrives.
        """
        while self._goes_short_in():
            payload = self._read_payload()
            if self.deliver is None or not self.deliver(payload):
                message = Message(payload[1:])
                message.seqno = (self.__sequence_number_in - 1) & _SEQUENCE
                return payload[0], message
        return super().read_message()

    def _goes_short_in(self) -> bool:
        # While keys are to be renewed paramiko counts the packets, and must see each of them.
        return (
            self.__aead_in
            and not self.__need_rekey
            and not self.__dump_packets
            and self.__compress_engine_in is None
        )

    def _read_payload(self) -> bytes:
        """Read and decrypt one packet (RFC 5647 section 7.2): the length is only authenticated."""
        size = self._length()
        while self._end - self._start < _LENGTH.size + size + _TAG:
            self._receive(check_rekey=False)
        body = self._start + _LENGTH.size
        stop = body + size + _TAG
        try:
            packet = self.__block_engine_in.decrypt(
                self.__iv_in, self._room[body:stop], self._room[self._start : body]
            )
        except InvalidTag as error:
            raise paramiko.SSHException("a packet was altered on its way") from error
        self._start = stop
        self.__iv_in = _next_iv(self.__iv_in)
        self._count_in(_LENGTH.size + size + _TAG)
        return self._payload_of(packet)

    def _length(self) -> int:
        """Read how long the next packet is, the tag and the length itself not counted."""
        while self._end - self._start < _LENGTH.size:
            self._receive(check_rekey=self._start == self._end)
        size: int = _LENGTH.unpack_from(self._room, self._start)[0]
        if size < _BLOCK or size % _BLOCK or size > _LARGEST:
            raise paramiko.SSHException(f"a packet cannot be {size} bytes long")
        return size

    @staticmethod
    def _payload_of(packet: bytes) -> bytes:
        payload = packet[1 : len(packet) - packet[0]]
        if not payload:
            raise paramiko.SSHException("a packet holds nothing but padding")
        return payload

    def _count_in(self, size: int) -> None:
        self.__sequence_number_in = (self.__sequence_number_in + 1) & _SEQUENCE
        self.__received_bytes += size
        self.__received_packets += 1
        if (
            self.__received_bytes >= self.REKEY_BYTES
            or self.__received_packets >= self.REKEY_PACKETS
        ) and not self.__need_rekey:
            self._trigger_rekey()

    def _receive(self, *, check_rekey: bool) -> None:
        """Wait until more has arrived, and take all of it that there is room for."""
        if self._start == self._end:
            self._start = self._end = 0
        elif _ROOM - self._end < _LARGEST:  # else little would be read at once, again and again
            rest = self._end - self._start
            self._room[:rest] = bytes(self._room[self._start : self._end])
            self._start, self._end = 0, rest
        self._acknowledge()
        while not (count := self._try_to_receive()):
            if self.__closed or self.handshake_timed_out():
                raise EOFError
            if check_rekey and self.__need_rekey:
                raise NeedRekeyException
            self._check_keepalive()
        self.heard = time.monotonic()
        self._end += count

    def _try_to_receive(self) -> int:
        """Receive what there is; 0 when nothing came for the socket's timeout."""
        try:
            count = self._stream.recv_into(self._room[self._end :])
        except (TimeoutError, BlockingIOError):
            return 0
        except OSError:
            if self.__closed:
                raise EOFError from None
            raise
        if not count:
            raise EOFError
        return count

    def _acknowledge(self) -> None:
        """Acknowledge now what has arrived.

        sshd leaves Nagle's algorithm on for connections without a session: of two small messages,
        say an answer and its end, it holds the second back until the first is acknowledged, which
        Linux would do after 40 ms. The option (tcp(7), TCP_QUICKACK) lasts until the next data. It
        comes after what arrived was passed on, so that nobody waits for it.
        """
        if self._delays:
            self._stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)

    # --- writing

    def send_message(self, data: Message) -> None:
        """Encrypt and send a message. Raises EOFError when the connection has ended."""
        with self.__write_lock:
            if not self.__aead_out or self.__dump_packets or self.__compress_engine_out is not None:
                super().send_message(data)
                return
            payload = data.asbytes()
            padding = 3 + _BLOCK - (len(payload) + 4) % _BLOCK
            head = _HEAD.pack(len(payload) + padding + 1, padding)
            length = head[:4]
            packet = length + self.__block_engine_out.encrypt(
                self.__iv_out, b"".join((head[4:], payload, os.urandom(padding))), length
            )
            self.__iv_out = _next_iv(self.__iv_out)
            self.__sequence_number_out = (self.__sequence_number_out + 1) & _SEQUENCE
            self.write_all(packet)
            self._count_out(len(packet))

    def _count_out(self, size: int) -> None:
        self.__sent_bytes += size
        self.__sent_packets += 1
        if (
            self.__sent_bytes >= self.REKEY_BYTES or self.__sent_packets >= self.REKEY_PACKETS
        ) and not self.__need_rekey:
            self._trigger_rekey()
