"""An HTTP server on a UNIX socket: stands in for an engine or the volume plugin."""

from __future__ import annotations

import http.server
import json
import re
import socketserver
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

S = TypeVar("S", bound="HttpOverUnix")


@contextmanager
def serving(server: S) -> Iterator[S]:
    """Let a server answer during a block, on a thread."""
    with server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


class HttpOverUnix(socketserver.ThreadingUnixStreamServer):
    """Answers HTTP on a UNIX socket with what ``answers`` holds for ``METHOD /path``.

    An answer is a status and a JSON value; paths are given without query and API version.
    """

    daemon_threads = False
    block_on_close = True

    def __init__(self, path: Path) -> None:
        super().__init__(str(path), _Handler)
        self.path = path
        self.answers: dict[str, tuple[int, object]] = {}
        self.asked: list[str] = []

    def reply(self, request: str, _body: bytes) -> tuple[int, object]:
        return self.answers.get(request, (404, {"message": request.partition(" ")[2]}))

    def upgraded(self, _request: str, _handler: http.server.BaseHTTPRequestHandler) -> bool:
        """Take a connection over in place of an answer; tell whether that was done."""
        return False


class _Handler(http.server.BaseHTTPRequestHandler):
    server: HttpOverUnix

    def answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        path = re.sub(r"^/v1\.\d+", "", self.path).partition("?")[0]
        request = f"{self.command} {path}"
        self.server.asked.append(request)
        if self.server.upgraded(request, self):
            return
        status, value = self.server.reply(request, body)
        said = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)

    do_GET = do_POST = answer  # noqa: N815 - the names are the base class's

    def address_string(self) -> str:
        return "unix"

    def log_message(self, *_: object) -> None:
        """Keep the tests' output clean."""
