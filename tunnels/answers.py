"""Ready-made checks that a forward's far end truly answers."""

from __future__ import annotations

from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import socket

    from tunnels.specs import Answers


def http_answers(path: str) -> Answers:
    """Make a check: ``GET path`` is answered with a status below 400.

    For a Docker engine ask ``/_ping``, for a Consul agent ``/v1/status/leader``.
    """

    def check(sock: socket.socket) -> None:
        connection = HTTPConnection("localhost")
        connection.sock = sock
        try:
            connection.request("GET", path)
            with connection.getresponse() as response:
                status = response.status
        except HTTPException as error:
            raise ValueError(f"GET {path}: {error!r}") from error
        if status >= HTTPStatus.BAD_REQUEST:
            raise ValueError(f"GET {path} is answered with status {status}")

    return check
