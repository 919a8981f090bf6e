"""Signals of Consul: blocking queries, one thread for each thing that is watched.

A blocking query returns when the index of what it asks has moved beyond the one it was given
(https://developer.hashicorp.com/consul/api-docs/features/blocking). py-consul's connection cannot
be interrupted from another thread, so these queries have one of their own, whose socket can be
shut.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from cluster_tests.errors import ConsulError
from cluster_tests.waiting.signals import Source

if TYPE_CHECKING:
    from cluster_tests.consul.store import ConsulStore
    from cluster_tests.waiting.waiter import Bell

# Records, maintenance flags, where nodes meet; registrations, and their checks.
RECORDS, FLAGS, MEETINGS = "kv/app/", "kv/maintenance/", "kv/migrate/"
WATCHED = (RECORDS, FLAGS, MEETINGS, "catalog/services", "health/state/any")
# Seconds Consul may keep a query; it adds up to a sixteenth of it.
_WAIT = 60
_SLACK = _WAIT / 16
_INDEX = "X-Consul-Index"


@dataclass(frozen=True)
class Answer:
    """An answer to a query: the index of what it shows, and the body ("" where nothing is)."""

    index: int
    body: bytes

    @cached_property
    def items(self) -> list[dict[str, Any]]:
        """What is shown, as Consul's API documents it for the path that was asked."""
        return json.loads(self.body) if self.body else []


class ConsulWatch(Source):
    """Rings whenever what ``path`` (below ``/v1/``) shows has changed."""

    def __init__(self, store: ConsulStore, path: str, bell: Bell) -> None:
        """Watch ``path`` at the agent of ``store``, whose timeout is for an answer that is due."""
        super().__init__(f"Consul watch of {path}", bell, store.way)
        self.watched = path
        self._address = (store.host, store.port)
        self._path = f"/v1/{path}?recurse" if path.startswith("kv/") else f"/v1/{path}?"
        self._timeout = store.timeout
        self._connection: http.client.HTTPConnection | None = None
        self._index = 0

    def connect(self) -> None:
        """Read the index from which on changes are heard."""
        self.disconnect()
        self._connection = http.client.HTTPConnection(*self._address, timeout=self._timeout)
        self._index = self._query(0)

    def listen(self) -> None:
        """Ask again and again for what comes after the index."""
        connection = self._connection
        if connection is not None and connection.sock is not None:
            connection.sock.settimeout(_WAIT + _SLACK + self._timeout)
        while not self._closing.is_set():
            index = self._query(self._index)
            # An index that fell means that Consul's state was restored: begin again.
            changed, self._index = index != self._index, max(index, 0)
            if changed:
                self.bell.ring()

    def disconnect(self) -> None:
        """Shut the socket under the query."""
        connection, self._connection = self._connection, None
        if connection is None:
            return
        if connection.sock is not None:
            with contextlib.suppress(OSError):  # the other side may have been faster
                connection.sock.shutdown(socket.SHUT_RDWR)
        connection.close()

    def asking(self) -> None:
        """Be told that a question is about to be asked."""

    def heard(self, answer: Answer) -> None:
        """Be told of every answer, the first one included; called from the listening thread."""
        self.tell(answer)

    def _query(self, index: int) -> int:
        connection = self._connection
        if connection is None:
            raise ConsulError(f"{self.name}: closed")
        wait = f"&index={index}&wait={_WAIT}s" if index else ""
        self.asking()
        try:
            connection.request("GET", self._path + wait)
            answer = connection.getresponse()
            body = answer.read()
        except (OSError, http.client.HTTPException) as error:
            raise ConsulError(f"{self.name}: {error or type(error).__name__}") from error
        # 404 is the answer for a prefix without keys; it carries an index all the same.
        if answer.status not in {http.HTTPStatus.OK, http.HTTPStatus.NOT_FOUND}:
            raise ConsulError(f"{self.name}: {answer.status} {body.decode(errors='replace')}")
        found = Answer(
            int(answer.headers.get(_INDEX) or 0),
            body if answer.status == http.HTTPStatus.OK else b"",
        )
        self.heard(found)
        return found.index
