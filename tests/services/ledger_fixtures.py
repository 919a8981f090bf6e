"""The ledger as tests run it: its own server and logic, with rows in memory."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from ledger.records import Ledger, Record, UnavailableError
from ledger.server import Server

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class FakeDatabase:
    """Rows in memory, committed as PostgreSQL would: when the block ends without an error."""

    def __init__(self) -> None:
        self.rows: dict[int, str] = {}
        self.failure = ""
        self.commit_failure = ""

    @contextmanager
    def inserting(self, record: Record) -> Iterator[bool]:
        self.check()
        new = record.id not in self.rows
        yield new
        if self.commit_failure:
            raise UnavailableError(self.commit_failure)
        self.rows.setdefault(record.id, record.text)

    def records(self) -> list[Record]:
        self.check()
        return [Record(*row) for row in sorted(self.rows.items())]

    def record(self, id_: int) -> Record | None:
        self.check()
        return Record(id_, self.rows[id_]) if id_ in self.rows else None

    def check(self) -> None:
        if self.failure:
            raise UnavailableError(self.failure)


@pytest.fixture
def database() -> FakeDatabase:
    return FakeDatabase()


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    files, cache = tmp_path / "files", tmp_path / "cache"
    files.mkdir()
    cache.mkdir()
    return files, cache


@pytest.fixture
def files(folders: tuple[Path, Path]) -> Path:
    return folders[0]


@pytest.fixture
def service(database: FakeDatabase, folders: tuple[Path, Path]) -> Ledger:
    return Ledger(database, *folders)


@pytest.fixture
def server(service: Ledger) -> Iterator[Server]:
    with Server(("127.0.0.1", 0), service, "v1") as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()
