"""The ssh connection to the forge, kept between calls of git by OpenSSH's own multiplexing.

ControlMaster, ControlPath and ControlPersist: https://man.openbsd.org/ssh_config. To agree on keys
and log in takes longer than all that git has to say.
"""

from __future__ import annotations

import os
import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# Seconds without use after which ssh ends a connection by itself: where we were killed.
_IDLE = 60
_FAREWELL = 10.0  # seconds in which ssh must have ended one that it is told to end
# Bytes of a socket's path on all systems, less what ssh appends while it makes one.
_LONGEST = 104 - 18


@contextmanager
def kept_connection(directory: Path) -> Iterator[tuple[str, ...]]:
    """Give the options with which ssh keeps its connection to one host, and end that afterwards.

    Its socket is in ``directory``, which must be this user's alone: whoever reaches it is logged
    in. Where the path is too long for a socket there are no options, and nothing is kept. Raises
    ``subprocess.TimeoutExpired`` for a connection that does not end.
    """
    socket = directory / "ssh"
    if len(os.fsencode(socket)) > _LONGEST:
        yield ()
        return
    control = f'ControlPath="{str(socket).replace("%", "%%")}"'
    try:
        yield ("ControlMaster=auto", control, f"ControlPersist={_IDLE}")
    finally:
        if socket.exists():
            _end(control)


def _end(control: str) -> None:
    # One that has just ended by itself is as good: the exit code does not matter.
    subprocess.run(
        ["ssh", "-F", os.devnull, "-o", control, "-O", "exit", "forge"],
        check=False,
        timeout=_FAREWELL,
        stdin=subprocess.DEVNULL,
        capture_output=True,
    )
