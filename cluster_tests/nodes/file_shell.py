"""A shell that stays in a container and answers each path with what the file holds.

One ``cat`` opens the path once, so a file that another one replaces is read as it was at one
moment. The answer is what ``cat`` wrote, then a line with the token and ``cat``'s exit code. The
token is made by chance for each process: no file can hold the mark that ends its own content.
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from cluster_tests.nodes.exec_stream import STDERR, STDOUT

if TYPE_CHECKING:
    from cluster_tests.nodes.exec_stream import ExecStream

# For any POSIX shell. Its own end is that of its stdin.
_SCRIPT = r"""while IFS= read -r path; do cat "$path" 2>&1; printf '\n%s %d\n' "$0" "$?"; done"""
_TOKEN_BYTES = 16
# Longer than any mark: a newline, the token, a blank, an exit code, a newline.
_MARK_LENGTH = 2 * _TOKEN_BYTES + 16


@dataclass(frozen=True)
class Answer:
    """How ``cat`` ended, and what it wrote: a content where the code is 0, else a complaint."""

    code: int
    said: bytes


def new_token() -> str:
    """Make what one process ends its answers with."""
    return secrets.token_hex(_TOKEN_BYTES)


def command(token: str) -> tuple[str, ...]:
    """Give the command line that serves a ``FileShell`` with the same token."""
    return ("sh", "-c", _SCRIPT, token)


class FileShell:
    """The near end of one such process. For one question at a time.

    Once ``read`` has raised it may be used no more: the answer could still come, and would pass for
    that to the next question.
    """

    def __init__(self, stream: ExecStream, token: str) -> None:
        """Speak over ``stream`` with a process that runs ``command(token)``."""
        self.exec_id = stream.exec_id
        self._stream = stream
        self._mark = re.compile(rb"\n%b (\d+)\n\Z" % token.encode())

    def read(self, path: PurePosixPath, deadline: float) -> Answer:
        """Ask for a file; a relative path begins at the root, as in the engine's archives.

        Raises ``ValueError`` for a path that takes more than one line, ``EOFError`` with what the
        process said when it ended before it had answered, and ``TimeoutError`` when there is no
        answer by ``deadline`` (``time.monotonic``).
        """
        # One that has ended takes no question; what it said before may still be read.
        with contextlib.suppress(ConnectionError):
            self._stream.write(_line(path), deadline)
        said = {STDOUT: bytearray(), STDERR: bytearray()}
        for kind, payload in self._stream.frames(deadline):
            said[kind] += payload
            answered = said[STDOUT]
            if end := self._mark.search(answered, max(0, len(answered) - _MARK_LENGTH)):
                return Answer(int(end[1]), bytes(answered[: end.start()]))
        raise EOFError(b"".join(said.values()).decode(errors="replace").strip())

    def shutdown(self) -> None:
        """End the process by EOF on its stdin, and whoever waits for its answer."""
        self._stream.shutdown()

    def close(self) -> None:
        """End the process and free the stream."""
        self._stream.close()


def _line(path: PurePosixPath) -> bytes:
    line = os.fsencode(PurePosixPath("/") / path)
    if b"\n" in line or b"\0" in line:
        raise ValueError(f"not a path that a shell reads from one line: {str(path)!r}")
    return line + b"\n"
