"""The ledger's client against the ledger itself, and what it makes of wrong answers."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sftp_server import sftp_server

from cluster_tests.errors import FrontError
from cluster_tests.fronts.front import Front, Response
from cluster_tests.fronts.keys import generate_keys
from cluster_tests.fronts.ledger import Change, Difference, Found, Ledger, Record, compare

if TYPE_CHECKING:
    from pathlib import Path

    from ledger.server import Server
    from ledger_fixtures import FakeDatabase

pytest_plugins = ["ledger_fixtures"]

HELLO = Record(1, "héllo")


def ledger_at(front: Front, version: str = "v1") -> Ledger:
    return Ledger(front, "a.test", version, 2200, generate_keys())


@pytest.fixture
def ledger(server: Server) -> Ledger:
    host, port = server.server_address[:2]
    return ledger_at(Front("core1", lambda _port: (str(host), port), 5))


class FrontThatAnswers(Front):
    """Gives the same answer to everything."""

    def __init__(self, status: int, body: bytes, version: str = "v1") -> None:
        """Keep the answer."""
        super().__init__("core1", lambda _port: ("", 0), 1)
        self._answer = Response(status, {"x-ledger-version": version}, body, 0.1)

    def http(self, *_: object, **__: object) -> Response:
        """Give it."""
        return self._answer


# --- the API --------------------------------------------------------------------------------


def test_what_is_written_is_read_in_every_way(ledger: Ledger, folders: tuple[Path, Path]) -> None:
    ledger.write(HELLO)
    ledger.write(Record(2, ""))

    assert ledger.read(1) == HELLO.found
    assert ledger.read(3) is None
    assert ledger.read_all() == (HELLO.found, Record(2, "").found)
    with sftp_server(folders[0].parent, ledger.keys, ledger.keys) as address:
        front = Front("core1", lambda _port: address, 5)
        over_ssh = Ledger(front, ledger.domain, ledger.version, ledger.port, ledger.keys)
        assert over_ssh.read_files() == (HELLO.found, Record(2, "").found)


def test_the_cache_is_empty_or_holds_what_was_put(ledger: Ledger) -> None:
    assert ledger.read_cache() is None
    ledger.write_cache(b"")
    assert ledger.read_cache() == b""
    ledger.write_cache(b"\0x")
    assert ledger.read_cache() == b"\0x"


def test_a_lost_file_is_found_without_one(ledger: Ledger, files: Path) -> None:
    ledger.write(HELLO)
    (files / "1").unlink()
    assert ledger.read_all() == (Found("1", HELLO.text, None),)
    with pytest.raises(FrontError, match="stored"):
        ledger.write(HELLO)


def test_a_write_that_is_not_acknowledged_raises(ledger: Ledger, database: FakeDatabase) -> None:
    database.commit_failure = "no room"
    with pytest.raises(FrontError, match=r"core1: http://a\.test: .*503 .*no room"):
        ledger.write(HELLO)


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, b"<html>"),
        (200, b"[]"),
        (200, b"{}"),
        (200, b'{"records": [{"id": 1}]}'),
        (200, b'{"records": null}'),
        (404, b'{"records": []}'),
        (503, b'{"records": []}'),
    ],
)
def test_no_other_answer_is_taken_for_an_empty_ledger(status: int, body: bytes) -> None:
    with pytest.raises(FrontError, match="core1"):
        ledger_at(FrontThatAnswers(status, body)).read_all()


def test_another_applications_answer_is_not_taken_for_this_ones(ledger: Ledger) -> None:
    other = ledger_at(ledger.front, version="v2")
    for ask in (
        other.read_all,
        other.read_cache,
        lambda: other.read(1),
        lambda: other.write(HELLO),
    ):
        with pytest.raises(FrontError, match="not answered by version 'v2' of the ledger"):
            ask()


def test_a_proxys_own_404_is_no_empty_cache() -> None:
    with pytest.raises(FrontError, match="by ''"):
        ledger_at(FrontThatAnswers(404, b"not found", version="")).read_cache()


def test_a_write_answered_with_another_record_is_not_acknowledged() -> None:
    body = json.dumps({"id": 1, "text": "other", "sha256": HELLO.found.sha256}).encode()
    with pytest.raises(FrontError, match="stored"):
        ledger_at(FrontThatAnswers(201, body)).write(HELLO)


# --- comparing ------------------------------------------------------------------------------

texts = st.text(max_size=5)
ledgers = st.dictionaries(st.integers(0, 9), texts).map(
    lambda rows: [Record(*row) for row in rows.items()]
)


@given(ledgers)
def test_what_was_written_and_is_found_makes_no_difference(records: list[Record]) -> None:
    assert list(compare(records, [record.found for record in reversed(records)])) == []


@given(ledgers, ledgers)
def test_every_difference_is_told_and_no_other(written: list[Record], there: list[Record]) -> None:
    expected = {record.found.name: record.text for record in written}
    found = {record.found.name: record.text for record in there}

    told = {each.name: each.change for each in compare(written, [each.found for each in there])}
    assert told == {
        **dict.fromkeys(expected.keys() - found.keys(), Change.LOST),
        **dict.fromkeys(found.keys() - expected.keys(), Change.UNEXPECTED),
        **{
            name: Change.ALTERED
            for name in expected.keys() & found.keys()
            if expected[name] != found[name]
        },
    }


def test_a_record_without_its_file_is_altered() -> None:
    without = Found("1", HELLO.text, None)
    assert list(compare([HELLO], [without])) == [
        Difference(Change.ALTERED, "1", HELLO.found, without)
    ]


def test_a_file_with_another_content_is_altered() -> None:
    other = Found("1", HELLO.text, Record(1, "x").found.sha256)
    assert [each.change for each in compare([HELLO], [other])] == [Change.ALTERED]


def test_a_record_found_twice_is_unexpected() -> None:
    assert [each.change for each in compare([HELLO], [HELLO.found] * 2)] == [Change.UNEXPECTED]


def test_what_was_not_acknowledged_may_be_there_or_not_but_not_otherwise() -> None:
    possible = [Record(2, "sent")]
    assert list(compare([HELLO], [HELLO.found], possible=possible)) == []
    assert list(compare([HELLO], [HELLO.found, possible[0].found], possible=possible)) == []
    altered = compare([], [Record(2, "other").found], possible=possible)
    assert [each.change for each in altered] == [Change.ALTERED]


def test_a_difference_says_what_was_expected_and_found() -> None:
    (lost,) = compare([HELLO], [])
    assert str(lost).startswith("record 1 is lost: Found(name='1', text='héllo'")
