"""What became of the writes: lost, recovered, unexpected, told apart."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from cluster_tests.fronts.ledger import Change, Found, Record
from cluster_tests.witness.attempts import Answer, Attempt, Outcome, What
from cluster_tests.witness.statement import Statement, Writes, judge_writes

if TYPE_CHECKING:
    from collections.abc import Iterable

OLD, KEPT, REFUSED, UNSURE, LATER = (Record(number, f"text {number}") for number in range(1, 6))


def wrote(record: Record, outcome: Outcome) -> Attempt:
    return Attempt(1.0, 1.0, 1.1, "core1", What.WRITE, Answer(outcome), record)


STATEMENT = Statement(
    (
        Attempt(0.0, 0.0, 0.1, "core1", What.READ, Answer(Outcome.ACKNOWLEDGED), OLD),
        wrote(KEPT, Outcome.ACKNOWLEDGED),
        wrote(REFUSED, Outcome.FAILED),
        wrote(UNSURE, Outcome.UNKNOWN),
    )
)


def found(*records: Record) -> list[Found]:
    return [record.found for record in records]


def judge(rows: Iterable[Found], files: Iterable[Found]) -> Writes:
    return judge_writes(STATEMENT, promised=(OLD, KEPT), possible=(LATER,), rows=rows, files=files)


def test_a_record_that_was_read_is_no_write() -> None:
    assert STATEMENT.attempted == 3
    assert STATEMENT.acknowledged == (KEPT,)
    assert STATEMENT.failed == (REFUSED,)
    assert STATEMENT.unknown == (UNSURE,)


def test_nothing_is_wrong_when_all_that_was_promised_is_there() -> None:
    kept = found(OLD, KEPT, LATER)
    assert judge(kept, kept) == Writes((), (), (UNSURE,), ())


def test_an_unknown_write_that_is_there_is_recovered() -> None:
    kept = found(OLD, KEPT, UNSURE)
    writes = judge(kept, kept)
    assert writes.recovered == (UNSURE,)
    assert not writes.missing
    assert not writes.unexpected


def test_a_file_without_a_row_may_be_left_of_an_unknown_write_alone() -> None:
    assert not judge(found(OLD, KEPT), found(OLD, KEPT, UNSURE)).unexpected
    [difference] = judge(found(OLD, KEPT), found(OLD, KEPT, REFUSED)).unexpected
    assert difference.name == "3"


def test_a_lost_row_and_a_lost_file_are_each_a_loss() -> None:
    everything = found(OLD, KEPT)
    for rows, files in ((found(OLD), everything), (everything, found(OLD))):
        [difference] = judge(rows, files).lost
        assert (difference.change, difference.name) == (Change.LOST, "2")


def test_a_record_from_before_can_be_lost_too() -> None:
    [difference] = judge(found(KEPT), found(KEPT)).lost
    assert difference.name == "1"


def test_an_altered_record_is_lost() -> None:
    altered = [OLD.found, replace(KEPT.found, sha256=None)]
    [difference] = judge(altered, found(OLD, KEPT)).lost
    assert difference.change is Change.ALTERED


def test_a_record_that_failed_for_certain_is_unexpected_and_so_is_a_stranger() -> None:
    kept = found(OLD, KEPT)
    stranger = Found("77", "never written", None)
    writes = judge([*kept, REFUSED.found, stranger], kept)
    assert [each.name for each in writes.unexpected] == ["3", "77"]
