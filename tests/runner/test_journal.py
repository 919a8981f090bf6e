from __future__ import annotations

import subprocess
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from cluster_tests.errors import UsageError
from cluster_tests.journal import Claim, Journal

if TYPE_CHECKING:
    from pathlib import Path

ONE = Claim("inventory.yaml", "http://forge/git/ledger", "one")
TWO = Claim("inventory.yaml", "http://forge/git/ledger", "two")


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return Journal(tmp_path / "results" / "journal.jsonl")


def test_what_was_claimed_and_not_released_is_left(journal: Journal) -> None:
    first, second = journal.claim(ONE), journal.claim(TWO)
    journal.release(first)
    assert Journal(journal.path).left() == {second: TWO}


def test_a_claim_is_held_as_long_as_its_process_lives(journal: Journal) -> None:
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE) as process:
        claim = replace(ONE, process=process.pid)
        entry = journal.claim(claim)
        assert journal.left()[entry].is_held
    assert journal.left() == {entry: claim}
    assert not journal.left()[entry].is_held


def test_a_claim_that_names_no_process_is_held_by_nobody(journal: Journal) -> None:
    entry = journal.claim(ONE)
    text = journal.path.read_text()
    journal.path.write_text(text.replace(f', "process": {ONE.process}', ""))
    assert journal.path.read_text() != text
    assert not journal.left()[entry].is_held
    assert ONE.is_held


def test_a_journal_that_is_not_there_yet_is_empty(journal: Journal) -> None:
    assert journal.left() == {}


def test_a_line_cut_short_by_a_crash_is_dropped_and_written_over(journal: Journal) -> None:
    first = journal.claim(ONE)
    with journal.path.open("a") as file:
        file.write('{"id": "half')
    assert journal.left() == {first: ONE}
    second = journal.claim(TWO)
    assert journal.left() == {first: ONE, second: TWO}


def test_a_file_that_is_no_journal_is_refused(journal: Journal) -> None:
    journal.path.parent.mkdir()
    journal.path.write_text("something else\n")
    with pytest.raises(UsageError, match="no journal of ours"):
        journal.left()


def test_what_is_written_side_by_side_is_all_there(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.jsonl")
    claims = [Claim("inventory", "http://forge/git/ledger", f"b{number}") for number in range(40)]
    with ThreadPoolExecutor(8) as executor:
        entries = list(executor.map(journal.claim, claims))
        assert sorted(claim.branch for claim in journal.left().values()) == sorted(
            claim.branch for claim in claims
        )
        list(executor.map(journal.release, entries))
    assert journal.left() == {}
