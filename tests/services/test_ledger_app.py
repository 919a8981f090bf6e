"""The ledger's promise: what it acknowledged is in both places, and it says when it cannot."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from hashlib import sha256
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ledger.records import ConflictError, InvalidError, Record, Stored, UnavailableError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ledger.records import Ledger
    from ledger.server import Server
    from ledger_fixtures import FakeDatabase

pytest_plugins = ["ledger_fixtures"]

HELLO = Record(1, "héllo")
HELLO_SHA = sha256(HELLO.text.encode()).hexdigest()


def ask(
    server: Server,
    method: str,
    path: str,
    body: bytes = b"",
    headers: Mapping[str, str] = MappingProxyType({}),
) -> tuple[int, bytes, HTTPResponse]:
    connection = HTTPConnection(*server.server_address[:2], timeout=5)  # type: ignore[arg-type]
    try:
        connection.request(method, path, body, headers)
        response = connection.getresponse()
        return response.status, response.read(), response
    finally:
        connection.close()


# --- the records ----------------------------------------------------------------------------


def test_a_record_is_stored_in_both_places(
    service: Ledger, database: FakeDatabase, files: Path
) -> None:
    assert service.write(HELLO) == Stored(HELLO, HELLO.text.encode())
    assert database.rows == {1: "héllo"}
    assert (files / "1").read_bytes() == "héllo".encode()
    assert [path.name for path in files.iterdir()] == ["1"]


def test_the_file_is_on_disk_before_the_row_is_committed(
    service: Ledger, database: FakeDatabase, files: Path
) -> None:
    database.commit_failure = "no room"
    with pytest.raises(UnavailableError, match="no room"):
        service.write(HELLO)
    assert (files / "1").exists()
    assert database.rows == {}


def test_no_row_is_committed_when_the_file_cannot_be_written(
    service: Ledger, database: FakeDatabase, files: Path
) -> None:
    files.rmdir()
    with pytest.raises(UnavailableError, match="files"):
        service.write(HELLO)
    assert database.rows == {}


def test_the_file_and_its_name_are_synchronised(
    service: Ledger, files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synchronised = []

    def fsync(descriptor: int) -> None:
        synchronised.append(Path(f"/proc/self/fd/{descriptor}").readlink())

    monkeypatch.setattr(os, "fsync", fsync)
    service.write(HELLO)
    assert synchronised == [files / ".1.part", files]


def test_the_same_record_again_is_the_same(service: Ledger) -> None:
    assert service.write(HELLO) == service.write(HELLO)


def test_an_id_keeps_its_text(service: Ledger, files: Path) -> None:
    service.write(HELLO)
    with pytest.raises(ConflictError):
        service.write(Record(1, "other"))
    assert (files / "1").read_bytes() == "héllo".encode()


def test_a_lost_file_is_shown_and_never_mended(service: Ledger, files: Path) -> None:
    service.write(HELLO)
    (files / "1").unlink()
    assert service.write(HELLO) == service.read(1) == Stored(HELLO, None)
    assert not (files / "1").exists()


def test_what_a_crash_left_behind_is_taken_over(service: Ledger, files: Path) -> None:
    (files / ".1.part").write_bytes(b"half of an earlier att")
    service.write(HELLO)
    assert [path.name for path in files.iterdir()] == ["1"]


@pytest.mark.parametrize(
    "value",
    [
        None,
        [],
        {},
        {"id": 1},
        {"id": "1", "text": "a"},
        {"id": True, "text": "a"},
        {"id": -1, "text": "a"},
        {"id": 10**18, "text": "a"},
        {"id": 1, "text": 2},
        {"id": 1, "text": "a\0b"},
        {"id": 1, "text": "\ud800"},
        {"id": 1, "text": "a", "more": 1},
    ],
)
def test_anything_but_a_record_is_refused(value: object) -> None:
    with pytest.raises(InvalidError):
        Record.of(value)


@given(st.integers(0, 10**18 - 1), st.text(st.characters(codec="utf-8", exclude_characters="\0")))
def test_every_record_passes_through_json(id_: int, text: str) -> None:
    record = Record(id_, text)
    assert Record.of(json.loads(json.dumps({"id": id_, "text": text}))) == record
    assert Stored(record, text.encode()).as_json()["file"] == text


# --- over HTTP ------------------------------------------------------------------------------


def test_a_write_is_answered_with_what_was_stored(server: Server) -> None:
    status, body, response = ask(server, "POST", "/records", b'{"id": 1, "text": "h\\u00e9llo"}')

    stored = {"id": 1, "text": "héllo", "file": "héllo", "sha256": HELLO_SHA}
    assert (status, json.loads(body)) == (201, stored)
    assert response.headers["X-Ledger-Version"] == "v1"
    assert response.headers["X-Ledger-Host"] == os.uname().nodename
    assert json.loads(ask(server, "GET", "/records/1")[1]) == stored
    assert json.loads(ask(server, "GET", "/records")[1]) == {"records": [stored]}


def test_the_cache_keeps_bytes(server: Server) -> None:
    assert ask(server, "GET", "/cache")[0] == 404
    assert ask(server, "PUT", "/cache", b"\0\xff")[0] == 204
    assert ask(server, "GET", "/cache")[:2] == (200, b"\0\xff")


@pytest.mark.parametrize("path", ["/", "/health"])
def test_health_is_200_only_when_a_write_would_be_stored(
    server: Server, database: FakeDatabase, files: Path, path: str
) -> None:
    assert ask(server, "GET", path)[0] == 200
    assert list(files.iterdir()) == []

    database.failure = "starting up"
    assert ask(server, "GET", path)[:2] == (503, b'{"error": "starting up"}')

    database.failure = ""
    files.rmdir()
    status, body, _ = ask(server, "GET", path)
    assert status == 503
    assert str(files) in json.loads(body)["error"]


def test_a_volume_that_fails_is_503_and_not_a_dropped_connection(
    server: Server, folders: tuple[Path, Path]
) -> None:
    folders[1].rmdir()
    assert ask(server, "PUT", "/cache", b"x")[0] == 503


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/nothing", b"", 404),
        ("GET", "/records/7", b"", 404),
        ("GET", "/records/x", b"", 404),
        ("POST", "/cache", b"{}", 404),
        ("PUT", "/records", b"{}", 404),
        ("DELETE", "/records", b"", 501),
        ("POST", "/records", b"{", 400),
        ("POST", "/records", b"\xff", 400),
        ("POST", "/records", b'{"id": 1}', 400),
    ],
)
def test_what_is_not_in_the_api_is_refused(
    server: Server, method: str, path: str, body: bytes, status: int
) -> None:
    assert ask(server, method, path, body)[0] == status


def test_another_text_for_an_id_is_a_conflict(server: Server) -> None:
    ask(server, "POST", "/records", b'{"id": 1, "text": "a"}')
    assert ask(server, "POST", "/records", b'{"id": 1, "text": "b"}')[0] == 409


def test_a_body_that_is_too_long_is_refused_unread(server: Server) -> None:
    headers = {"Content-Length": str(1 << 30)}
    assert ask(server, "POST", "/records", headers=headers)[0] == 400


def test_a_bug_is_told_to_the_client(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server.ledger, "read_all", lambda: 1 / 0)
    status, body, _ = ask(server, "GET", "/records")
    assert status == 500
    assert "ZeroDivisionError" in json.loads(body)["error"]


def test_a_connection_is_kept_until_something_goes_wrong(server: Server) -> None:
    connection = HTTPConnection(*server.server_address[:2], timeout=5)  # type: ignore[arg-type]
    connection.request("PUT", "/cache", b"kept")
    connection.getresponse().read()
    kept = connection.sock
    connection.request("GET", "/cache")
    assert connection.getresponse().read() == b"kept"
    assert connection.sock is kept is not None

    connection.request("POST", "/cache", b"a body that nobody reads")
    assert connection.getresponse().headers["Connection"] == "close"
    connection.close()


def test_what_was_read_is_not_logged(server: Server, capfd: pytest.CaptureFixture[str]) -> None:
    ask(server, "PUT", "/cache", b"x")
    ask(server, "GET", "/cache")
    ask(server, "GET", "/records/7")
    logged = [line.split('"')[1].split()[:2] for line in capfd.readouterr().err.splitlines()]
    assert logged == [["PUT", "/cache"], ["GET", "/records/7"]]


_STOPPED_WHILE_WRITING = """
import threading
from pathlib import Path
from ledger.server import Server

class SlowLedger:
    def read_cache(self):
        print("begun", flush=True)
        threading.Event().wait(0.3)  # as a slow disk would
        return b"finished"

with Server(("127.0.0.1", 0), SlowLedger(), "v1") as server:
    print(server.server_address[1], flush=True)
    server.serve_until_sigterm()
"""


def test_sigterm_lets_a_request_finish_and_then_stops() -> None:
    path = os.pathsep.join(each for each in sys.path if each)
    with subprocess.Popen(
        [sys.executable, "-c", _STOPPED_WHILE_WRITING],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": path},
    ) as process:
        assert process.stdout is not None
        port = int(process.stdout.readline())
        idle, busy = (HTTPConnection("127.0.0.1", port, timeout=5) for _ in range(2))
        idle.request("GET", "/cache")
        assert process.stdout.readline() == "begun\n"
        kept = idle.getresponse()
        assert kept.read() == b"finished"
        assert kept.headers["Connection"] is None
        busy.request("GET", "/cache")
        assert process.stdout.readline() == "begun\n"
        process.send_signal(signal.SIGTERM)

        last = busy.getresponse()
        assert last.read() == b"finished"
        assert process.wait(timeout=5) == 0
        idle.close()
        busy.close()
