"""An engine on a UNIX socket that executes commands: real processes, framed as the engine does."""

from __future__ import annotations

import contextlib
import json
import os
import re
import socket
import struct
import subprocess
import threading
from typing import IO, TYPE_CHECKING

from http_doubles import HttpOverUnix

if TYPE_CHECKING:
    from collections.abc import Callable
    from http.server import BaseHTTPRequestHandler
    from pathlib import Path

_UPGRADED = b"HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n"
_NO_SUCH = b'OCI runtime exec failed: exec: "sh": executable file not found in $PATH: unknown\r\n'
_STDOUT, _STDERR = 1, 2
_AS_SENT = 32768


class Exec:
    """One process in a container, from its creation to its end."""

    def __init__(self, command: list[str], user: str | None) -> None:
        self.command = command
        self.user = user
        self.code: int | None = None
        self.ended = threading.Event()
        self.process: subprocess.Popen[bytes] | None = None

    def kill(self) -> None:
        """End it as the end of its container does; return once the stream is closed, too."""
        assert self.process
        self.process.kill()
        assert self.ended.wait(5)


class ExecsOverUnix(HttpOverUnix):
    """Runs what is executed in its containers, unless ``answers`` has another answer.

    ``shell`` is what runs in place of ``sh``; ``frame_size`` the most bytes that a frame carries.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.shell: list[str] = ["sh"]
        self.environment = dict(os.environ)
        self.frame_size = _AS_SENT
        self.execs: list[Exec] = []
        self.upon_start: Callable[[Exec], None] = lambda _: None

    def codes(self) -> list[int | None]:
        """Tell how the processes ended; None for those that run."""
        return [each.code for each in self.execs]

    def reply(self, request: str, body: bytes) -> tuple[int, object]:
        if request in self.answers:
            return self.answers[request]
        if re.fullmatch(r"POST /containers/\w+/exec", request):
            asked = json.loads(body)
            self.execs.append(Exec(asked["Cmd"], asked.get("User")))
            return 201, {"Id": str(len(self.execs) - 1)}
        if found := re.fullmatch(r"GET /exec/(\d+)/json", request):
            return 200, {"ExitCode": self.execs[int(found[1])].code}
        return super().reply(request, body)

    def upgraded(self, request: str, handler: BaseHTTPRequestHandler) -> bool:
        found = re.fullmatch(r"POST /exec/(\d+)/start", request)
        if not found or request in self.answers:
            return False
        handler.close_connection = True
        with contextlib.suppress(ConnectionError):  # the client may go at any time
            self._serve(self.execs[int(found[1])], handler.connection)
        return True

    def _serve(self, created: Exec, client: socket.socket) -> None:
        client.sendall(_UPGRADED)
        program, *rest = created.command
        try:
            created.process = self._popen([*(self.shell if program == "sh" else [program]), *rest])
        except FileNotFoundError:
            client.sendall(_frame(_STDOUT, _NO_SUCH))
            created.code = 127
            return
        self.upon_start(created)
        process = created.process
        threads = [
            threading.Thread(target=_feed, args=(client, process.stdin)),
            threading.Thread(target=self._send, args=(client, _STDERR, process.stderr)),
        ]
        for thread in threads:
            thread.start()
        self._send(client, _STDOUT, process.stdout)
        created.code = process.wait()
        with contextlib.suppress(OSError):  # the client may have been faster
            client.shutdown(socket.SHUT_RDWR)
        for thread in threads:
            thread.join()
        created.ended.set()

    def _popen(self, command: list[str]) -> subprocess.Popen[bytes]:
        pipe = subprocess.PIPE
        return subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, env=self.environment)

    def _send(self, client: socket.socket, stream: int, output: IO[bytes] | None) -> None:
        """Send what a process writes until it ends, or until the client is gone."""
        assert output
        with contextlib.suppress(OSError), output:
            while piece := os.read(output.fileno(), self.frame_size):
                client.sendall(_frame(stream, piece))


def _frame(stream: int, payload: bytes) -> bytes:
    return struct.pack(">BxxxL", stream, len(payload)) + payload


def _feed(client: socket.socket, stdin: IO[bytes] | None) -> None:
    """Hand on what the client writes, and its end."""
    assert stdin
    with contextlib.suppress(OSError), stdin:
        while piece := client.recv(65536):
            stdin.write(piece)
            stdin.flush()
