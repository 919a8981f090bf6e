"""An SSH server inside of the test, which says what it is told to, and notes what it hears."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from typing import TYPE_CHECKING

import paramiko
from far_ends import PATIENCE, STARTING
from paramiko.common import AUTH_SUCCESSFUL, MSG_CHANNEL_CLOSE, OPEN_SUCCEEDED

from cluster_tests.bench.sshd import make_key, public_part
from tunnels import Target

if TYPE_CHECKING:
    from pathlib import Path

    from paramiko.message import Message

LOWEST_OF_CHANNELS = 90
"""The first message number of the connection protocol's channels (RFC 4250 section 4.1.2)."""


class _Recorder(paramiko.packet.Packetizer):
    """Keeps every message about channels, as it came."""

    def __init__(self, sock: socket.socket) -> None:
        super().__init__(sock)
        self.heard: list[bytes] = []
        self._news = threading.Condition()

    def read_message(self) -> tuple[int, Message]:
        kind, message = super().read_message()
        if kind >= LOWEST_OF_CHANNELS:
            with self._news:
                self.heard.append(bytes([kind]) + message.asbytes())
                self._news.notify_all()
        return kind, message

    def await_closes(self, count: int) -> None:
        """Wait until so many channels have been closed by the client."""
        with self._news:
            assert self._news.wait_for(lambda: self._closes() >= count, PATIENCE), self.heard

    def _closes(self) -> int:
        return sum(message[0] == MSG_CHANNEL_CLOSE for message in self.heard)


class _Everybody(paramiko.ServerInterface):
    """Lets everybody in, and opens whatever is asked for."""

    def check_auth_none(self, _username: str) -> int:
        return AUTH_SUCCESSFUL

    def check_auth_publickey(self, _username: str, _key: paramiko.PKey) -> int:
        return AUTH_SUCCESSFUL

    def get_allowed_auths(self, _username: str) -> str:
        return "none,publickey"

    def check_channel_request(self, _kind: str, _number: int) -> int:
        return OPEN_SUCCEEDED

    def check_channel_direct_tcpip_request(
        self, _number: int, _origin: tuple[str, int], _destination: tuple[str, int]
    ) -> int:
        return OPEN_SUCCEEDED


class Session(paramiko.Transport):
    """The server's end of one connection."""

    def __init__(self, sock: socket.socket, key: paramiko.PKey) -> None:
        self.recorder = _Recorder(sock)
        super().__init__(sock, packetizer_class=lambda _: self.recorder)  # type: ignore[arg-type]
        self.add_server_key(key)

    def serve(self) -> None:
        """Shake hands, on a thread of its own."""
        self.start_server(event=threading.Event(), server=_Everybody())

    def fall_silent(self) -> None:
        """From now on answer nothing about channels: what is said of them is ``say``'s alone.

        paramiko closes a channel by itself, on its own thread, when one of its requests is refused
        on it; whether that comes before or after what the test says next would be chance.
        """
        ignored = dict.fromkeys(range(LOWEST_OF_CHANNELS, 101), lambda _: None)
        self._handler_table = {**self._handler_table, **ignored}  # type: ignore[has-type]

    def say(self, message: Message) -> None:
        """Send a message as it is; does nothing once the client has hung up."""
        with suppress(EOFError):
            self._send_message(message)  # type: ignore[attr-defined]

    def is_answered(self) -> bool:
        """Ask whether the client is there; what was said before, it has then dealt with."""
        try:
            self.global_request("are-you-there@test", wait=True)
        except EOFError:
            return False
        return self.is_active()


class RecordingServer:
    """Listens on loopback for one connection after the other."""

    def __init__(self, directory: Path) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(STARTING)  # an ssh may have to start first
        self.port: int = self._listener.getsockname()[1]
        self.identity = make_key(directory / "user")
        host_key = make_key(directory / "host")
        self._key = paramiko.PKey.from_path(host_key)
        self.known_hosts = directory / "known_hosts"
        self.known_hosts.write_text(f"[127.0.0.1]:{self.port} {public_part(host_key)}\n")

    def target(self) -> Target:
        return Target("127.0.0.1", self.port, "somebody", self.identity, self.known_hosts)

    def accept(self) -> Session:
        """Serve the next client."""
        sock = self._listener.accept()[0]
        session = Session(sock, self._key)
        session.serve()
        return session

    def close(self) -> None:
        self._listener.close()
