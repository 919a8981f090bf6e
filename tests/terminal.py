"""A terminal of its own for a program, as a person sees it."""

from __future__ import annotations

import codecs
import os
import pty
import re
import select
import subprocess
import sys
import termios
import time
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

DEADLINE = 60.0  # seconds that a program may take to show something, or to end
_ERASE = "\r\x1b[K"


class Terminal:
    """A Python program on a terminal of its own; without ``columns`` nobody knows how wide."""

    def __init__(self, program: str, *, cwd: Path | None = None, columns: int = 0) -> None:
        self.said = ""
        self.everything = ""
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self._terminal, theirs = pty.openpty()
        termios.tcsetwinsize(theirs, (24 if columns else 0, columns))
        # Who leads a session without a terminal takes the first that it opens as its own: tty(4).
        takes = "import os, signal; os.close(os.open(os.ttyname(0), os.O_RDWR))"
        # Tests that a shell runs in the background inherit that Ctrl-C is ignored; a person's
        # programs do not (POSIX, Shell Command Language, 2.11).
        takes += "; signal.signal(signal.SIGINT, signal.default_int_handler)"
        self._process = subprocess.Popen(
            [sys.executable, "-c", f"{takes}\n{program}"],
            cwd=cwd,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
        )
        os.close(theirs)

    @property
    def screen(self) -> list[str]:
        """The lines that are left, without what was erased from them."""
        lines = self.everything.replace("\r\n", "\n").split("\n")
        return [line.rpartition(_ERASE)[2] for line in lines]

    def wait_for(self, pattern: str) -> None:
        """Read until ``pattern`` is shown; forget what came before its end."""
        deadline = time.monotonic() + DEADLINE
        while (found := re.search(pattern, self.said)) is None:
            assert self._read(deadline), f"never showed {pattern!r}, but: {self.said}"
        self.said = self.said[found.end() :]

    def type(self, text: str) -> None:
        os.write(self._terminal, text.encode())

    def status(self) -> int:
        """Read what is left, wait for the end, give the exit code."""
        deadline = time.monotonic() + DEADLINE
        while self._read(deadline):
            pass
        os.close(self._terminal)
        return self._process.wait(DEADLINE)

    def _read(self, deadline: float) -> bool:
        """Read what comes next; False at the end."""
        wait = max(0.0, deadline - time.monotonic())
        if not select.select([self._terminal], [], [], wait)[0]:
            self._process.kill()
            pytest.fail(f"the program neither went on nor ended, and showed: {self.said}")
        try:
            data = os.read(self._terminal, 4096)
        except OSError:  # EIO: the other side is closed
            return False
        text = self._decoder.decode(data)
        self.said += text
        self.everything += text
        return bool(data)
