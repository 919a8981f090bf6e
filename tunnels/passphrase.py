"""Asks the person at the terminal for a passphrase, without echo."""

from __future__ import annotations

import getpass
import os
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_TERMINAL = "/dev/tty"
"""The process's own terminal (tty(4)), wherever stdin and stdout go; getpass asks there."""


def why_not() -> str:
    """Say why nobody can be asked here and now; empty when somebody can.

    Only the main thread asks: Ctrl-C ends its questions alone, and a connection that is opened
    again in the background must not wait for an answer that nobody gives.
    """
    try:
        os.close(os.open(_TERMINAL, os.O_RDWR | os.O_NOCTTY))
    except OSError:
        return "there is no terminal to ask on"
    if threading.current_thread() is not threading.main_thread():
        return "only the main thread may ask for it"
    return ""


def ask(path: Path) -> bytes:
    """Ask for the passphrase of the key in ``path``; empty when the person gives none."""
    try:
        return getpass.getpass(f"Enter passphrase for key '{path}': ").encode()
    except EOFError:  # Ctrl-D
        return b""
