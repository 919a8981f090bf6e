"""A command that is run on the server, its stdin and stdout in place of a forwarded connection.

A session channel (RFC 4254 section 6) opens in two steps: the channel, then the request ``exec``
(section 6.5), which the server grants or refuses. The names with an underscore are those by which
paramiko's Transport calls a channel.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from paramiko.common import MSG_CHANNEL_REQUEST, OPEN_FAILED_ADMINISTRATIVELY_PROHIBITED

from tunnels.channel import Channel, Destination
from tunnels.wire import take_bytes, take_int

if TYPE_CHECKING:
    from collections.abc import Callable

    from paramiko.message import Message

    from tunnels.channel import Receiver

_WORDS = 1000
"""Bytes of the command's stderr that are kept; the rest is passed over."""


def command_destination(command: str, place: str) -> Destination:
    """Reach what ``command`` reaches when the server runs it; ``place`` names that for people."""
    return Destination("session", b"", f"{place} ({command})", command)


class CommandChannel(Channel):
    """A channel in which a command runs."""

    def __init__(
        self,
        number: int,
        send: Callable[[Message], None],
        receiver: Receiver,
        destination: Destination,
    ) -> None:
        """Make channel ``number``, in which the command of ``destination`` is to run."""
        super().__init__(number, send, receiver, str(destination))
        self._command = destination.command
        self._requested = False
        self._runs = False
        self._stderr = b""
        self._exit_status: int | None = None
        self._closed = threading.Event()

    def complaint(self, patience: float = 0.0) -> str:
        """Tell how the command ended, if badly, and what it said; wait for its end."""
        self._closed.wait(patience)
        if not self._exit_status:
            return ""
        said = self._stderr.decode(errors="replace").strip()
        return f"{self._command!r} ended with {self._exit_status}: {said or 'no word'}"

    def ready(self) -> bool:
        """Ask for the command, once; True when it runs."""
        if self._requested:
            return self._runs
        self._requested = True
        message = self._message(MSG_CHANNEL_REQUEST)
        message.add_string("exec")
        message.add_boolean(True)  # noqa: FBT003 - the protocol's word: a reply is wanted
        message.add_string(self._command)
        self._send(message)
        return False  # even if the answer is here already: it is told, and one of the two counts

    # --- called by paramiko's Transport, on its thread

    def _request_success(self, message: Message) -> None:
        self._expect_answer(message)
        self._runs = True
        self._receiver.opened()

    def _request_failed(self, message: Message) -> None:
        self._expect_answer(message)
        self._receiver.refused(
            OPEN_FAILED_ADMINISTRATIVELY_PROHIBITED, "the server runs no command for this login"
        )

    def _feed_extended(self, message: Message) -> None:
        """Keep the beginning of stderr (RFC 4254 section 5.2); its window is not granted again."""
        take_int(message)
        said = take_bytes(message)
        self._take_window(len(said))
        self._stderr = (self._stderr + said)[:_WORDS]

    def _take_request(self, kind: str, message: Message) -> None:
        """Take note of the exit status (RFC 4254 section 6.10); 255 stands for a signal."""
        if kind == "exit-status":
            self._exit_status = take_int(message)
        elif kind == "exit-signal":
            self._exit_status = 255

    def _handle_close(self, message: Message) -> None:
        self._closed.set()
        super()._handle_close(message)

    def _unlink(self) -> None:
        self._closed.set()
        super()._unlink()

    def _expect_answer(self, message: Message) -> None:
        if not self._requested or self._runs:
            super()._request_success(message)  # which says that nobody asked
