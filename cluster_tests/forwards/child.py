"""A command that runs while the ways are open: it gets the signals, and gives the exit code."""

from __future__ import annotations

import os
import signal
import subprocess
from contextlib import suppress
from typing import TYPE_CHECKING

from cluster_tests.forwards.ending import OF_A_SIGNAL, handled

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import FrameType


def run_inside(command: str, environment: Mapping[str, str]) -> int:
    """Run ``command`` by a shell and wait for its end; give the exit code a shell would give.

    Signals are passed on to it, and it alone decides what they mean.
    """
    come: list[int] = []
    process: subprocess.Popen[bytes] | None = None

    def pass_on(number: int, _frame: FrameType | None) -> None:
        if process is None:
            come.append(number)
        else:
            _tell(process, number)

    with handled(pass_on):
        process = subprocess.Popen(["/bin/sh", "-c", command], env=dict(environment))
        for number in come:  # while it was being started
            _tell(process, number)
        code = process.wait()
    return OF_A_SIGNAL - code if code < 0 else code


def _tell(process: subprocess.Popen[bytes], number: int) -> None:
    if number == signal.SIGINT and _on_a_terminal():
        return  # Ctrl-C reaches everybody in the foreground: it was told already
    process.send_signal(number)


def _on_a_terminal() -> bool:
    """Whether we are in the foreground of the terminal that we belong to, if any."""
    with suppress(OSError):
        terminal = os.open("/dev/tty", os.O_RDONLY)
        try:
            return os.tcgetpgrp(terminal) == os.getpgrp()
        finally:
            os.close(terminal)
    return False
