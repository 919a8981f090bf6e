"""Reads the fields of SSH messages (RFC 4251 section 5), and refuses messages that are cut short.

paramiko's own Message makes up zeros for what is missing.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import paramiko

if TYPE_CHECKING:
    from collections.abc import Iterator

    from paramiko.message import Message

_INT = 4


def take_int(message: Message) -> int:
    """Take a uint32. Raises paramiko.SSHException when there is none."""
    _expect(message, _INT)
    return message.get_int()


def take_bytes(message: Message) -> bytes:
    """Take a string of bytes. Raises paramiko.SSHException when it is cut short."""
    count = take_int(message)
    _expect(message, count)
    return message.get_bytes(count)


def take_text(message: Message) -> str:
    """Take a string for people; what is no UTF-8 is replaced. Raises paramiko.SSHException."""
    return take_bytes(message).decode(errors="replace")


def take_flag(message: Message) -> bool:
    """Take a boolean. Raises paramiko.SSHException when there is none."""
    _expect(message, 1)
    return message.get_boolean()


@contextmanager
def texts_are_utf8() -> Iterator[None]:
    """Let paramiko read texts, which must be UTF-8. Raises paramiko.SSHException when one is not.

    So the connection ends with words for people, and not with what Python says of a byte.
    """
    try:
        yield
    except UnicodeDecodeError as error:
        raise paramiko.SSHException("the server sent a text that is no UTF-8") from error


def _expect(message: Message, count: int) -> None:
    if len(message.get_remainder()) < count:
        raise paramiko.SSHException("the server sent a message that is cut short")
