"""A small ledger on loopback, and how it is watched."""

from __future__ import annotations

import json
import socket
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

from cluster_tests.fronts.front import HTTP_PORT
from cluster_tests.fronts.keys import generate_keys
from cluster_tests.fronts.ledger import Ledger, Record
from cluster_tests.witness.outlook import Outlook
from cluster_tests.witness.witness import Watched

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from cluster_tests.fronts.front import Front

SSH_PORT, OWN = 2201, {"X-Ledger-Version": "b1"}
KNOWN = Record(1, "known")
PATIENCE = 10.0
UNFINISHED = "no answer until the end"  # what a witness says of what it gave up


class Stage:
    """An HTTP server that answers as ``say`` does, and a port that greets with ``greeting``.

    ``outlook`` is what its cluster says, and ``news`` is whom it calls when that changes.
    """

    def __init__(self) -> None:
        self.say: Callable[[Any, dict[str, Any] | None], None] = stores
        self.greeting = b"SSH-2.0-paper\r\n"
        self.outlook = Outlook.AWAY
        self.looked = 0  # times that the outlook was asked for
        self.news: Callable[[], None] | None = None
        self.asked = threading.Semaphore(0)
        stage = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                stage.say(self, None)
                stage.asked.release()

            def do_POST(self) -> None:
                length = int(self.headers["Content-Length"])
                stage.say(self, json.loads(self.rfile.read(length)))
                stage.asked.release()

            def log_message(self, *_: object) -> None:
                """Keep quiet."""

        class Server(ThreadingHTTPServer):
            request_queue_size = 128  # a full one would reset connections

        self.http = Server(("127.0.0.1", 0), Handler)
        self.ssh = socket.create_server(("127.0.0.1", 0))
        self.threads = [
            threading.Thread(target=self.http.serve_forever, args=(0.01,)),
            threading.Thread(target=self._greet),
        ]

    def _greet(self) -> None:
        while True:
            try:
                connection, _ = self.ssh.accept()
            except OSError:
                return
            with connection:
                connection.sendall(self.greeting)

    def address_of(self, port: int) -> tuple[str, int]:
        server = self.http.socket if port == HTTP_PORT else self.ssh
        host, number = server.getsockname()
        return str(host), int(number)

    def close(self) -> None:
        self.http.shutdown()
        self.http.server_close()
        # A thread that waits in accept is not woken by closing the socket.
        self.ssh.shutdown(socket.SHUT_RDWR)
        self.ssh.close()
        for thread in self.threads:
            thread.join(PATIENCE)


class PaperForesight:
    """Says what the stage's cluster says."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage

    @contextmanager
    def listening(self, news: Callable[[], None]) -> Iterator[None]:
        self._stage.news = news
        yield
        self._stage.news = None

    def outlook(self) -> Outlook:
        assert self._stage.news is not None, "nobody listens"
        self._stage.looked += 1
        return self._stage.outlook


def stores(handler: Any, record: dict[str, Any] | None) -> None:  # noqa: ANN401 - a handler
    wanted = Record(**record) if record else KNOWN
    body = json.dumps(
        {"id": wanted.id, "text": wanted.text, "sha256": wanted.found.sha256}
    ).encode()
    answer(handler, 201 if record else 200, body, OWN)


def answer(
    handler: Any,  # noqa: ANN401 - a handler
    status: int,
    body: bytes = b"",
    headers: dict[str, str] | None = None,
) -> None:
    handler.send_response(status)
    for name, value in (headers or {}).items():
        handler.send_header(name, value)
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body)


def numbered(number: int, _node: str) -> Record:
    return Record(number, "text")


def watching(
    stage: Stage,
    front: Front,
    make: Callable[[int, str], Record] = numbered,
    *,
    ssh: bool = True,
) -> Watched:
    """Watch the stage's ledger through a front of the node ``core1``."""
    ledger = Ledger(front, "app.cluster.test", "b1", SSH_PORT, generate_keys())
    return Watched(
        {"core1": ledger}, make, 2, KNOWN, PaperForesight(stage), rate=200, ssh=ssh, linger=0.2
    )
