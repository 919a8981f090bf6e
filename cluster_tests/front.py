"""Asks a node's front, where its HAProxy answers, as a client from outside would.

Every request is a connection of its own and is made once: a kept connection would hide that the
front was reloaded onto nothing, a retry that it failed.
"""

from __future__ import annotations

import json
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import requests

from cluster_tests.errors import FrontError
from cluster_tests.sftp import read_files

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from cluster_tests.service_keys import ServiceKeys

_HTTP = 80


@dataclass(frozen=True)
class Response:
    """An HTTP answer; header names in lower case, ``seconds`` until its last byte."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    seconds: float

    def json(self) -> Any:  # noqa: ANN401 - whatever JSON holds
        """Read the body; raise ``ValueError`` when it is not JSON."""
        return json.loads(self.body)


class Front:
    """One node's front. ``address_of`` tells where one of its ports can be reached from here."""

    def __init__(
        self, node: str, address_of: Callable[[int], tuple[str, int]], timeout: float
    ) -> None:
        """Keep how to reach it; ``timeout`` is in seconds, to connect and between two bytes."""
        self.node = node
        self._address_of = address_of
        self._timeout = timeout

    def http(
        self,
        domain: str,
        path: str = "/",
        *,
        method: str = "GET",
        body: bytes | None = None,
        port: int = _HTTP,
    ) -> Response:
        """Ask for ``path`` of ``domain``; any status is an answer, redirects are not followed.

        Raises ``FrontError`` when no whole answer comes.
        """
        host, local_port = self._address_of(port)
        started = time.monotonic()
        with self._translated(f"{method} http://{domain}{path}"), requests.Session() as session:
            session.trust_env = False  # a proxy of the user's would answer in the node's place
            found = session.request(
                method,
                f"http://{host}:{local_port}{path}",
                data=body,
                headers={"Host": domain, "Connection": "close"},
                timeout=self._timeout,
                allow_redirects=False,
            )
        headers = {name.lower(): value for name, value in found.headers.items()}
        return Response(found.status_code, headers, found.content, time.monotonic() - started)

    def files(self, port: int, keys: ServiceKeys, directory: str) -> dict[str, bytes]:
        """Read all files of ``directory`` over SFTP past Caddy, at an application's ``port``.

        Raises ``FrontError`` when they cannot be read, or by anyone but the sshd with the
        application's host key.
        """
        with self._translated(f"SFTP at port {port}"):
            return read_files(self._address_of(port), keys, directory, self._timeout)

    @contextmanager
    def _translated(self, what: str) -> Iterator[None]:
        try:
            yield
        except (requests.RequestException, OSError) as error:
            raise FrontError(self.node, f"{what}: {error}") from error
