"""A command whose stdin and stdout lead to the SSH server: ProxyCommand of ssh_config(5).

It is run as OpenSSH runs it: ``exec COMMAND`` by the user's shell. It has no terminal, and so
cannot ask for anything: in return Ctrl-C, which goes to all that a terminal runs, does not end a
connection over which somebody still has to clean up.
"""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import threading
from contextlib import suppress
from typing import IO, TYPE_CHECKING

from tunnels.errors import UnreachableError

if TYPE_CHECKING:
    from tunnels.specs import Target

_LAST_WORD = 2.0
"""Seconds that the command may take to end when asked to, and its output to be read."""

_ENDING = 1.0
"""Seconds in which a command that has closed its output, or says nothing, is seen to end."""

_TOLD = 2000
"""Bytes of its stderr that are kept, the last ones."""


class ProxyCommand:
    """The running command; a carrier."""

    def __init__(self, target: Target) -> None:
        """Start the target's proxy command. Raises UnreachableError when there is no shell."""
        self._target = target
        self._stderr = b""
        self._closed = False
        shell = os.environ.get("SHELL") or "/bin/sh"
        self.socket, theirs = socket.socketpair()
        try:
            with theirs:
                self._process = subprocess.Popen(
                    [shell, "-c", f"exec {expanded(target)}"],
                    stdin=theirs.fileno(),
                    stdout=theirs.fileno(),
                    stderr=subprocess.PIPE,
                    start_new_session=True,
                )
        except OSError as error:
            self.socket.close()
            raise UnreachableError(
                f"the proxy command of {target} does not start: {shell}: {error.strerror}",
                remedy="set the environment variable SHELL to a shell",
            ) from error
        # A daemon: a program that ends without closing its tunnels must not hang.
        self._reader = threading.Thread(
            target=self._read, args=(self._process.stderr,), name=f"proxy {target}", daemon=True
        )
        self._reader.start()

    def close(self) -> None:
        """End the command and all it has started. Calling it again does nothing."""
        if self._closed:  # its number may be another's by now
            return
        self._closed = True
        self._signal(signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(_LAST_WORD)
        # A command that does not care, and what it has left behind, would keep the pipe open.
        self._signal(signal.SIGKILL)
        self._process.wait()
        self._reader.join(_LAST_WORD)

    def complaint(self) -> str:
        """Give how the command ended, if it did, and the end of its stderr."""
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(_ENDING)
            self._reader.join(_ENDING)
        status = self._process.returncode
        state = "still runs" if status is None else f"ended with status {status}"
        said = self._stderr.decode(errors="replace").strip()
        return f"its proxy command ({expanded(self._target)}) {state}" + (
            f" and said: {said}" if said else ""
        )

    def _signal(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, number)

    def _read(self, stderr: IO[bytes]) -> None:
        with stderr:
            while data := os.read(stderr.fileno(), 4096):
                self._stderr = (self._stderr + data)[-_TOLD:]


def expanded(target: Target) -> str:
    """Fill host, port and user into the target's proxy command, as they are: a shell reads it."""
    words = {"h": target.host, "p": str(target.port), "r": target.user, "%": "%"}
    return re.sub(r"%([hpr%])", lambda found: words[found[1]], target.proxy_command)
