"""The ledger from outside: writes and reads its records through a node's front, and compares.

The API is the service's own: fixtures/services/ledger/images/app/ledger/server.py.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from hashlib import sha256
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, TypeVar

from cluster_tests.errors import FrontError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from cluster_tests.fronts.front import Front, Response
    from cluster_tests.fronts.keys import ServiceKeys

RECORDS = "/records"  # where records are written and listed
_FILES = "/files"  # where the service's SSH server shows the records' files
_VERSION = "x-ledger-version"
_EXCERPT = 200  # bytes of an unexpected answer that are worth showing

T = TypeVar("T")


@dataclass(frozen=True, order=True)
class Record:
    """What is written: a number, and a text that is kept as a row and as a file."""

    id: int
    text: str

    @property
    def found(self) -> Found:
        """How the record is found, by any way of reading, when nothing is wrong with it."""
        return Found(str(self.id), self.text, sha256(self.text.encode()).hexdigest())


@dataclass(frozen=True, order=True)
class Found:
    """A record as it is found; ``sha256`` is that of its file, None where there is no file."""

    name: str
    text: str
    sha256: str | None


class Change(StrEnum):
    """What became of a record."""

    LOST = "lost"
    ALTERED = "altered"
    UNEXPECTED = "unexpected"


@dataclass(frozen=True, order=True)
class Difference:
    """A record that is not as it was written: what was expected, and what was found."""

    change: Change
    name: str
    expected: Found | None = None
    found: Found | None = None

    def __str__(self) -> str:
        """Print on one line, with the contents."""
        return f"record {self.name} is {self.change}: {self.expected} => {self.found}"


def compare(
    expected: Iterable[Record], found: Iterable[Found], *, possible: Iterable[Record] = ()
) -> Iterator[Difference]:
    """Yield what became of the ``expected`` records, and whatever else was ``found``.

    ``possible`` are records whose write was not acknowledged: they may be there or not, but if
    they are, then as they were sent.
    """
    missing = {record.found.name: record.found for record in expected}
    sent = {record.found.name: record.found for record in possible}
    for each in found:
        if each.name in missing:
            wanted = missing.pop(each.name)
        elif each.name in sent:
            wanted = sent.pop(each.name)
        else:  # never written, or found for the second time
            yield Difference(Change.UNEXPECTED, each.name, found=each)
            continue
        if each != wanted:
            yield Difference(Change.ALTERED, each.name, wanted, each)
    for wanted in missing.values():
        yield Difference(Change.LOST, wanted.name, wanted)


@dataclass(frozen=True)
class Ledger:
    """A published ledger, asked through one node's ``front``.

    Every method raises ``FrontError`` when the front does not serve this very application.
    ``version`` is the branch it was published as, ``port`` and ``keys`` those of its SSH server.
    """

    front: Front
    domain: str
    version: str
    port: int
    keys: ServiceKeys

    def write(self, record: Record) -> None:
        """Write a record: durable when this returns, there or not when this raises."""
        # It is numbered: the ledger stores it once, however often it comes (its database.py).
        ask = partial(self._ask, "POST", RECORDS, written_as(record))
        self.require_stored(record, self.front.way.repeat(ask))

    def require_stored(self, record: Record, answer: Response) -> None:
        """Raise unless ``answer`` to a write, whoever asked, acknowledges this very record."""
        self._require_own("POST", RECORDS, answer)
        found = self._parsed(HTTPStatus.CREATED, answer, _found)
        if found != record.found:
            raise self._wrong(f"stored {found} for {record.found}")

    def is_own(self, answer: Response) -> bool:
        """Tell whether this very application gave ``answer``, whatever it says."""
        return answer.headers.get(_VERSION) == self.version

    def is_there(self, record: Record, answer: Response) -> bool:
        """Tell what ``answer`` to a read, whoever asked, says of a record: it is there, or not."""
        self._require_own("GET", path_of(record.id), answer)
        if answer.status == HTTPStatus.NOT_FOUND:
            return False
        return self._parsed(HTTPStatus.OK, answer, _found) == record.found

    def read_all(self) -> tuple[Found, ...]:
        """Read all records over HTTP: the rows, with their files as the application sees them."""
        return self._parsed(HTTPStatus.OK, self._ask("GET", RECORDS), _all_found)

    def read(self, id_: int) -> Found | None:
        """Read one record over HTTP."""
        answer = self._ask("GET", path_of(id_))
        if answer.status == HTTPStatus.NOT_FOUND:
            return None
        return self._parsed(HTTPStatus.OK, answer, _found)

    def read_files(self) -> tuple[Found, ...]:
        """Read all files over SSH, past Caddy and the application: their content is the text."""
        files = self.front.files(self.port, self.keys, _FILES)
        return tuple(
            Found(name, content.decode(errors="replace"), sha256(content).hexdigest())
            for name, content in files.items()
        )

    def read_cache(self) -> bytes | None:
        """Give what the local volume keeps, None when it is empty."""
        answer = self._ask("GET", "/cache")
        if answer.status == HTTPStatus.NOT_FOUND:
            return None
        return self._require(HTTPStatus.OK, answer).body

    def write_cache(self, content: bytes) -> None:
        """Replace what the local volume keeps."""
        self._require(HTTPStatus.NO_CONTENT, self._ask("PUT", "/cache", content))

    def _ask(self, method: str, path: str, body: bytes | None = None) -> Response:
        answer = self.front.http(self.domain, path, method=method, body=body)
        self._require_own(method, path, answer)
        return answer

    def _require_own(self, method: str, path: str, answer: Response) -> None:
        # Whatever the status: a proxy's own 404 must not be taken for the ledger's.
        if not self.is_own(answer):
            raise self._wrong(
                f"{method} {path} was not answered by version {self.version!r} of the ledger"
                f" but by {answer.headers.get(_VERSION)!r}: {_excerpt(answer)}"
            )

    def _require(self, status: HTTPStatus, answer: Response) -> Response:
        if answer.status != status:
            raise self._wrong(f"expected {status.value}, was answered {_excerpt(answer)}")
        return answer

    def _parsed(
        self, status: HTTPStatus, answer: Response, read: Callable[[dict[str, Any]], T]
    ) -> T:
        self._require(status, answer)
        try:
            return read(answer.json())
        except (ValueError, KeyError, TypeError) as error:
            raise self._wrong(f"this is no answer of a ledger: {_excerpt(answer)}") from error

    def _wrong(self, message: str) -> FrontError:
        return FrontError(self.front.node, f"http://{self.domain}: {message}")


def path_of(id_: int) -> str:
    """Tell where one record is read."""
    return f"{RECORDS}/{id_}"


def written_as(record: Record) -> bytes:
    """Give the body of the request that writes a record."""
    return json.dumps({"id": record.id, "text": record.text}).encode()


def _found(item: dict[str, Any]) -> Found:
    return Found(str(item["id"]), item["text"], item["sha256"])


def _all_found(body: dict[str, Any]) -> tuple[Found, ...]:
    return tuple(_found(item) for item in body["records"])


def _excerpt(answer: Response) -> str:
    return f"{answer.status} {answer.body[:_EXCERPT].decode(errors='replace')!r}"
