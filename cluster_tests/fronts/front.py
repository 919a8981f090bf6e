"""Asks a node's front, where its HAProxy answers, as a client from outside would.

Every request is a connection of its own and is made once: a kept connection would hide that the
front was reloaded onto nothing, a retry that it failed. Only what broke together with the tunnel to
the node is asked again, where that changes nothing, and is never the cluster's fault (``way``).
"""

from __future__ import annotations

import http.client
import json
import socket
import ssl
import time
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import requests

from cluster_tests.errors import FrontError, NodeError
from cluster_tests.fronts.sftp import read_files
from cluster_tests.way import UNBROKEN, repeated

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from cluster_tests.fronts.keys import ServiceKeys
    from cluster_tests.way import Way

HTTP_PORT, _HTTPS = 80, 443
_CHUNK = 65536
# What may be asked twice, by the protocol (RFC 9110, 9.2.2).
_IDEMPOTENT = frozenset({"GET", "HEAD", "PUT", "DELETE"})


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
        self,
        node: str,
        address_of: Callable[[int], tuple[str, int]],
        timeout: float,
        way: Way = UNBROKEN,
    ) -> None:
        """Keep how to reach it; ``timeout`` is in seconds, to connect and between two bytes."""
        self.node = node
        self.way = way
        self._address_of = address_of
        self._timeout = timeout

    @repeated
    def address(self, port: int) -> tuple[str, int]:
        """Tell where ``port`` can be reached from here; raise ``FrontError`` where nobody is."""
        return self._address_of(port)

    def http(
        self,
        domain: str,
        path: str = "/",
        *,
        method: str = "GET",
        body: bytes | None = None,
        port: int = HTTP_PORT,
    ) -> Response:
        """Ask for ``path`` of ``domain``; any status is an answer, redirects are not followed.

        Raises ``FrontError`` when no whole answer comes, and ``NodeError`` for a request that broke
        with the tunnel and must not be made again: a POST.
        """
        ask = partial(self._http, domain, path, method, body, port)
        if method in _IDEMPOTENT:
            return self.way.repeat(ask)
        return self.way.once(ask)

    def _http(self, domain: str, path: str, method: str, body: bytes | None, port: int) -> Response:
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

    @repeated
    def https(self, domain: str, path: str, authority: str, *, port: int = _HTTPS) -> Response:
        """Ask for ``path`` of ``domain``, which the TLS hello names (SNI), as ``http`` does.

        ``authority`` (PEM) is the one that must vouch for the domain: any other certificate is a
        ``FrontError``, as everything else that keeps a whole answer from coming.
        """
        context = ssl.create_default_context(cadata=authority)
        started = time.monotonic()
        with (
            self._translated(f"GET https://{domain}{path}"),
            self._connected(port) as plain,
            context.wrap_socket(plain, server_hostname=domain) as encrypted,
        ):
            connection = http.client.HTTPConnection(domain)
            connection.sock = encrypted
            connection.request("GET", path, headers={"Connection": "close"})
            found = connection.getresponse()
            body = found.read()
        headers = {name.lower(): value for name, value in found.getheaders()}
        return Response(found.status, headers, body, time.monotonic() - started)

    @repeated
    def exchange(self, port: int, line: bytes) -> bytes:
        """Send a line over TCP and give all that comes back until the other side closes."""
        with self._translated(f"TCP at port {port}"), self._connected(port) as connection:
            connection.sendall(line + b"\n")
            return b"".join(iter(lambda: connection.recv(_CHUNK), b""))

    @repeated
    def files(self, port: int, keys: ServiceKeys, directory: str) -> dict[str, bytes]:
        """Read all files of ``directory`` over SFTP past Caddy, at an application's ``port``.

        Raises ``FrontError`` when they cannot be read, or by anyone but the SSH server
        with the application's host key.
        """
        with self._translated(f"SFTP at port {port}"):
            return read_files(self._address_of(port), keys, directory, self._timeout)

    @repeated
    def refuses(self, port: int) -> bool:
        """Tell whether nobody is behind ``port``: the connection is refused, or ends wordlessly.

        Through a tunnel a refusal at the far end is a connection that ends before its first byte.
        Whoever answers speaks first here: an SSH server does. Raises ``FrontError`` when nothing at
        all happens in time, which is neither.
        """
        began = time.monotonic()
        with self._translated(f"connecting to port {port}"):
            refused = self._is_refused(port)
        if refused and self.way.broke_under(began):  # that is how a tunnel ends a connection, too
            raise NodeError(self.node, f"the tunnel broke while port {port} was asked")
        return refused

    def _is_refused(self, port: int) -> bool:
        try:
            address = self._address_of(port)
            with socket.create_connection(address, self._timeout) as connection:
                return not connection.recv(1)
        except (ConnectionRefusedError, ConnectionResetError):
            return True
        except FrontError as error:
            if "refused" in error.message.lower():  # in sshd's words, from the far end
                return True
            raise

    def _connected(self, port: int) -> socket.socket:
        return socket.create_connection(self._address_of(port), self._timeout)

    @contextmanager
    def _translated(self, what: str) -> Iterator[None]:
        try:
            yield
        except (requests.RequestException, http.client.HTTPException, OSError) as error:
            raise FrontError(self.node, f"{what}: {error}") from error
