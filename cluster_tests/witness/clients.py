"""One attempt over HTTP or SSH, on an asyncio loop: what was asked, and what the answer means.

Each attempt is a connection of its own and is made once, as those of ``fronts.front``; hundreds
may be under way at one time, which threads would make dear.
"""

from __future__ import annotations

import asyncio
import http.client
import io
import socket
import struct
import time
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import TYPE_CHECKING

from cluster_tests.errors import FrontError
from cluster_tests.fronts.front import Response
from cluster_tests.fronts.ledger import RECORDS, path_of, written_as
from cluster_tests.witness.attempts import Answer, Outcome

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from cluster_tests.fronts.ledger import Ledger, Record

Address = tuple[str, int]
# What a proxy answers that has passed a request on and heard nothing good of it.
_PASSED_ON = frozenset({HTTPStatus.BAD_GATEWAY, HTTPStatus.GATEWAY_TIMEOUT})
_MAINTENANCE = b"<title>Maintenance</title>"
# RFC 4253, section 4.2: whoever answers as an SSH server begins with this.
_GREETING = b"SSH-2.0-"


async def write(ledger: Ledger, address: Address, record: Record) -> Answer:
    """Write a record."""
    try:
        answer = await _ask(address, ledger.domain, "POST", RECORDS, written_as(record))
    except ConnectionRefusedError as error:
        return Answer(Outcome.FAILED, _said(error))
    except (OSError, http.client.HTTPException) as error:
        return Answer(Outcome.UNKNOWN, _said(error))
    try:
        ledger.require_stored(record, answer)
    except FrontError as error:
        return _not_stored(ledger, answer, error)
    return Answer(Outcome.ACKNOWLEDGED)


async def read(ledger: Ledger, address: Address, record: Record) -> Answer:
    """Read a record; that it is not there is an answer too, which others judge."""
    try:
        answer = await _ask(address, ledger.domain, "GET", path_of(record.id))
    except (OSError, http.client.HTTPException) as error:
        return Answer(Outcome.FAILED, _said(error))
    try:
        there = ledger.is_there(record, answer)
    except FrontError as error:
        return Answer(Outcome.FAILED, error.message, is_maintenance(answer))
    return Answer(Outcome.ACKNOWLEDGED, "" if there else f"record {record.id} was not there")


async def greeting(address: Address) -> Answer:
    """Connect, and be greeted by an SSH server."""
    try:
        async with _connected(address) as (reader, _):
            said = await reader.readline()
    except (OSError, ValueError) as error:  # ValueError: a line without an end
        return Answer(Outcome.FAILED, _said(error))
    if said.startswith(_GREETING):
        return Answer(Outcome.ACKNOWLEDGED)
    return Answer(Outcome.FAILED, f"SSH: greeted with {said!r}")


def is_maintenance(answer: Response) -> bool:
    """Tell whether the maintenance page answered (docs/contract.md, "Routing")."""
    return answer.status == HTTPStatus.SERVICE_UNAVAILABLE and _MAINTENANCE in answer.body


def _not_stored(ledger: Ledger, answer: Response, error: FrontError) -> Answer:
    """Tell whether a write that was not acknowledged may have been stored all the same.

    It cannot where a proxy has answered by itself; whoever passed it on, or took it, may have.
    """
    certain = not ledger.is_own(answer) and answer.status not in _PASSED_ON
    outcome = Outcome.FAILED if certain else Outcome.UNKNOWN
    return Answer(outcome, error.message, is_maintenance(answer))


async def _ask(
    address: Address, domain: str, method: str, path: str, body: bytes = b""
) -> Response:
    started = time.monotonic()
    head = (
        f"{method} {path} HTTP/1.1\r\nHost: {domain}\r\nConnection: close\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    async with _connected(address) as (reader, writer):
        writer.write(head.encode() + body)
        received = await reader.read(-1)
    if not received:
        raise ConnectionResetError("the connection ended without an answer")
    return _parsed(received, time.monotonic() - started)


@asynccontextmanager
async def _connected(
    address: Address,
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    reader, writer = await asyncio.open_connection(*address)
    try:
        yield reader, writer
    except asyncio.CancelledError:
        # Whoever waits no longer says so at once, by a reset: a proxy that is told the end of what
        # was sent alone goes on, and wakes the server for nobody.
        connection = writer.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        raise
    finally:
        writer.close()


class _Received:
    """Bytes that were received already, in the shape that ``http.client`` reads from."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def makefile(self, _mode: str) -> io.BytesIO:
        return io.BytesIO(self._content)


def _parsed(received: bytes, seconds: float) -> Response:
    """Parse a whole answer; raise ``http.client.HTTPException`` when it is none."""
    parser = http.client.HTTPResponse(_Received(received))  # type: ignore[arg-type] # all it asks
    parser.begin()
    body = parser.read()
    headers = {name.lower(): value for name, value in parser.getheaders()}
    return Response(parser.status, headers, body, seconds)


def _said(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"
