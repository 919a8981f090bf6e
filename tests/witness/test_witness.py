"""The witness against a small ledger on loopback: each outcome is told from the others."""

from __future__ import annotations

import json
import socket
import threading
from contextlib import suppress
from dataclasses import replace
from itertools import pairwise, product
from typing import TYPE_CHECKING, Any
from unittest.mock import Mock

import pytest
from paper_ledger import OWN, PATIENCE, UNFINISHED, Stage, answer, numbered, stores, watching

from cluster_tests.errors import FrontError
from cluster_tests.fronts.front import Front
from cluster_tests.witness import pace as pace_module
from cluster_tests.witness import witness as witness_module
from cluster_tests.witness.attempts import Outcome, Route, What
from cluster_tests.witness.outlook import Outlook
from cluster_tests.witness.witness import Watched, Witness

if TYPE_CHECKING:
    from collections.abc import Callable

    from cluster_tests.fronts.ledger import Record
    from cluster_tests.witness.attempts import Attempt

pytest_plugins = ["paper_ledger_fixtures"]

PAGE = b"<!doctype html><title>Maintenance</title>"


def watched(
    stage: Stage, *, ssh: bool = True, make: Callable[[int, str], Record] = numbered
) -> Watched:
    return watching(stage, Front("core1", stage.address_of, PATIENCE), make, ssh=ssh)


def attempts(stage: Stage, *, ssh: bool = True, requests: int = 10) -> tuple[Attempt, ...]:
    with Witness(watched(stage, ssh=ssh)) as witness:
        for _ in range(requests):
            assert stage.asked.acquire(timeout=PATIENCE)
    # On a busy machine some may be under way at the end: nothing is asked of those here.
    return tuple(each for each in witness.statement.attempts if each.answer.reason != UNFINISHED)


def writes(found: tuple[Attempt, ...]) -> set[tuple[Outcome, bool]]:
    return {
        (each.answer.outcome, each.answer.maintenance) for each in found if each.what is What.WRITE
    }


def test_what_is_acknowledged_is_numbered_and_kept(stage: Stage) -> None:
    found = attempts(stage)
    assert {each.answer.outcome for each in found} == {Outcome.ACKNOWLEDGED}
    assert {each.what for each in found} == set(What)
    numbers = [each.record.id for each in found if each.what is What.WRITE and each.record]
    assert numbers == list(range(2, len(numbers) + 2))
    assert all(each.planned <= each.begun <= each.ended for each in found)


def test_before_anything_is_switched_it_has_heard_over_each_route(stage: Stage) -> None:
    with Witness(watched(stage)) as witness:
        heard = {each.route for each in witness.statement.attempts}
    assert heard == set(Route)


def test_it_begins_without_an_answer_too(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(witness_module, "_FIRST", 0.05)
    held = threading.Event()

    def holds(handler: Any, record: dict[str, Any] | None) -> None:  # noqa: ANN401 - a handler
        held.wait(PATIENCE)
        stores(handler, record)

    stage.say = holds
    with Witness(watched(stage)) as witness:
        heard = {each.route for each in witness.statement.attempts}
        held.set()
    assert Route.HTTP not in heard


def test_who_is_interrupted_while_it_begins_leaves_no_witness(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    witness = Witness(watched(stage))
    monkeypatch.setattr(witness._heard, "wait", Mock(side_effect=KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        witness.__enter__()
    witness._thread.join(PATIENCE)
    assert not witness._thread.is_alive()


def test_each_attempt_is_made_whatever_became_of_those_before(stage: Stage) -> None:
    held = threading.Event()

    def holds(handler: Any, record: dict[str, Any] | None) -> None:  # noqa: ANN401 - a handler
        if record is None:
            stores(handler, record)
        else:  # held until others, planned later, were answered
            held.wait(PATIENCE)
            stores(handler, record)

    stage.say = holds
    with Witness(watched(stage, ssh=False)) as witness:
        for _ in range(10):
            assert stage.asked.acquire(timeout=PATIENCE)
        held.set()
    found = witness.statement.attempts
    write = next(each for each in found if each.what is What.WRITE)
    assert write.answer.outcome is Outcome.ACKNOWLEDGED
    assert any(each.planned > write.planned and each.ended < write.ended for each in found)


def test_for_an_answer_to_a_write_it_waits_longer_than_for_others(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    deadlines = {What.READ: 0.05, What.WRITE: PATIENCE}
    monkeypatch.setattr(witness_module, "_DEADLINES", deadlines)
    held, reads = threading.Event(), threading.Semaphore(0)

    def holds(handler: Any, record: dict[str, Any] | None) -> None:  # noqa: ANN401 - a handler
        if record is None:
            reads.release()
        held.wait(PATIENCE)
        with suppress(ConnectionError):  # who has given up reads nothing
            stores(handler, record)

    stage.say = holds
    with Witness(watched(stage, ssh=False)) as witness:
        for _ in range(8):
            assert reads.acquire(timeout=PATIENCE)
        held.set()
    said = {(each.what, each.answer.reason) for each in witness.statement.attempts}
    assert (What.READ, "no answer within 0.05 s") in said
    assert {reason for what, reason in said if what is What.WRITE} <= {"", UNFINISHED}


def test_the_maintenance_page_is_a_failure_for_certain(stage: Stage) -> None:
    stage.say = lambda handler, _: answer(handler, 503, PAGE)
    assert writes(attempts(stage, ssh=False)) == {(Outcome.FAILED, True)}


def test_a_proxy_that_answers_by_itself_has_passed_nothing_on(stage: Stage) -> None:
    stage.say = lambda handler, _: answer(handler, 503, b"No server is available")
    assert writes(attempts(stage, ssh=False)) == {(Outcome.FAILED, False)}


@pytest.mark.parametrize("status", [502, 504])
def test_a_proxy_that_passed_it_on_knows_nothing(stage: Stage, status: int) -> None:
    stage.say = lambda handler, _: answer(handler, status)
    assert writes(attempts(stage, ssh=False)) == {(Outcome.UNKNOWN, False)}


def test_a_ledger_that_cannot_store_it_now_may_have_stored_it(stage: Stage) -> None:
    stage.say = lambda handler, _: answer(handler, 503, b"{}", OWN)
    assert writes(attempts(stage, ssh=False)) == {(Outcome.UNKNOWN, False)}


def test_a_connection_that_breaks_off_tells_nothing_of_a_write(stage: Stage) -> None:
    stage.say = lambda handler, _: handler.connection.shutdown(socket.SHUT_RDWR)
    found = attempts(stage, ssh=False)
    assert writes(found) == {(Outcome.UNKNOWN, False)}
    reads = {each.answer.outcome for each in found if each.what is What.READ}
    assert reads == {Outcome.FAILED}


def test_an_acknowledgement_of_something_else_is_none(stage: Stage) -> None:
    other = json.dumps({"id": 99, "text": "other", "sha256": ""}).encode()
    stage.say = lambda handler, _: answer(handler, 201, other, OWN)
    assert writes(attempts(stage, ssh=False)) == {(Outcome.UNKNOWN, False)}


def test_a_record_that_is_not_there_is_an_answer_all_the_same(stage: Stage) -> None:
    def forgets(handler: Any, record: dict[str, Any] | None) -> None:  # noqa: ANN401 - a handler
        stores(handler, record) if record else answer(handler, 404, b"{}", OWN)

    stage.say = forgets
    reads = [each for each in attempts(stage, ssh=False) if each.what is What.READ]
    assert {each.answer.outcome for each in reads} == {Outcome.ACKNOWLEDGED}
    assert reads[0].answer.reason.endswith("was not there")


def test_whoever_does_not_greet_as_ssh_is_no_sshd(stage: Stage) -> None:
    stage.greeting = b"HTTP/1.1 400\r\n"
    found = attempts(stage)
    greeted = {each.answer.outcome for each in found if each.what is What.GREETING}
    assert greeted == {Outcome.FAILED}


def test_it_lingers_until_all_ways_are_served_again(stage: Stage) -> None:
    stage.say = lambda handler, _: answer(handler, 503, PAGE)
    witness = Witness(replace(watched(stage, ssh=False), linger=PATIENCE))
    with witness:
        assert stage.asked.acquire(timeout=PATIENCE)
        stage.say = stores
    first, *_, last = witness.statement.attempts
    assert last.answer.outcome is Outcome.ACKNOWLEDGED
    assert last.ended - first.planned < PATIENCE  # and no longer than that


def test_a_way_that_leads_nowhere_beforehand_is_the_cluster_s_fault(stage: Stage) -> None:
    def nowhere(_port: int) -> tuple[str, int]:
        raise FrontError("core1", "refused")

    plan = watched(stage)
    ledger = replace(plan.ledgers["core1"], front=Front("core1", nowhere, PATIENCE))
    with (
        pytest.raises(FrontError, match="refused"),
        Witness(replace(plan, ledgers={"core1": ledger})),
    ):
        pytest.fail("it began all the same")


def test_a_defect_of_its_own_is_raised(stage: Stage) -> None:
    def broken(_number: int, _node: str) -> Record:
        raise LookupError("a defect")

    with (
        pytest.raises(LookupError, match="a defect"),
        Witness(watched(stage, ssh=False, make=broken)),
    ):
        _wait_for_reads(stage, 2)  # a write was due between them


def _wait_for_reads(stage: Stage, number: int) -> None:
    for _ in range(number):
        assert stage.asked.acquire(timeout=PATIENCE)


def test_it_hides_no_error_of_the_switch(stage: Stage) -> None:
    with pytest.raises(ValueError, match="the first"), Witness(watched(stage)):
        raise ValueError("the first")


def gaps(found: tuple[Attempt, ...], route: Route) -> set[int]:
    """Give the numbers of turns over HTTP between the attempts over a route."""
    tried = [each for each in found if each.route is route]
    due = [round((each.planned - tried[0].planned) * 200) for each in tried]
    return {later - sooner for sooner, later in pairwise(due)}


@pytest.fixture
def sparing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pace_module, "_CALM", {Route.HTTP: 0.04, Route.SSH: 0.06})
    monkeypatch.setattr(pace_module, "_PROMPT", PATIENCE)  # however busy the machine is
    monkeypatch.setattr(pace_module, "_HELD", PATIENCE)


@pytest.mark.usefixtures("sparing")
def test_where_all_is_well_it_looks_seldom(stage: Stage) -> None:
    stage.outlook = Outlook.STEADY
    found = attempts(stage, requests=20)
    assert min(gaps(found, Route.HTTP)) >= 8
    assert max(gaps(found, Route.SSH)) >= 12


@pytest.mark.usefixtures("sparing")
def test_what_is_about_to_go_away_is_tried_at_each_turn(stage: Stage) -> None:
    found = attempts(stage, requests=20)
    assert gaps(found, Route.HTTP) == {1}
    assert gaps(found, Route.SSH) == {1}


@pytest.mark.usefixtures("sparing")
def test_at_a_hint_it_looks_at_each_turn_over_http(stage: Stage) -> None:
    stage.outlook = Outlook.LEAVING
    assert gaps(attempts(stage, requests=20), Route.HTTP) == {1}


@pytest.mark.usefixtures("sparing")
def test_whoever_is_shown_the_maintenance_page_hurries_ssh(stage: Stage) -> None:
    stage.outlook = Outlook.STEADY
    stage.say = lambda handler, _: answer(handler, 503, PAGE)
    assert gaps(attempts(stage, requests=20), Route.SSH) == {1}


def test_at_the_end_each_way_has_been_tried(stage: Stage) -> None:
    stage.outlook = Outlook.STEADY
    plan = watched(stage)
    both = dict.fromkeys(("core1", "core2"), plan.ledgers["core1"])
    with Witness(replace(plan, ledgers=both, linger=0.9)) as witness:
        _wait_for_reads(stage, 1)
    tried = {(each.node, each.route) for each in witness.statement.attempts}
    assert tried == set(product(both, Route))


def test_news_wakes_it_before_anything_is_due(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pace_module, "_CALM", {Route.HTTP: 10 * PATIENCE})
    stage.outlook = Outlook.STEADY
    with Witness(watched(stage, ssh=False)):
        _wait_for_reads(stage, 1)
        stage.outlook = Outlook.AWAY
        assert stage.news is not None
        stage.news()
        _wait_for_reads(stage, 3)


@pytest.mark.usefixtures("sparing")
def test_old_news_does_not_keep_it_awake(stage: Stage) -> None:
    stage.outlook = Outlook.STEADY
    with Witness(watched(stage, ssh=False)):
        _wait_for_reads(stage, 1)
        assert stage.news is not None
        stage.news()
        _wait_for_reads(stage, 1)
        looked = stage.looked
        _wait_for_reads(stage, 5)  # eight turns each
        assert stage.looked - looked <= 15


def test_it_listens_to_the_cluster_while_it_is_open_and_no_longer(stage: Stage) -> None:
    with Witness(watched(stage)):
        _wait_for_reads(stage, 1)
        assert stage.news is not None
    assert stage.news is None


@pytest.mark.usefixtures("sparing")
def test_what_is_away_without_a_word_is_tried_at_each_turn(stage: Stage) -> None:
    stage.outlook = Outlook.STEADY
    stage.greeting = b"not SSH\r\n"
    stage.say = lambda handler, _: answer(handler, 503, PAGE)
    found = attempts(stage, requests=20)
    assert gaps(found, Route.HTTP) == {1}
    assert gaps(found, Route.SSH) == {1}


@pytest.mark.usefixtures("sparing")
def test_what_is_away_for_maintenance_is_seldom_looked_at(stage: Stage) -> None:
    stage.greeting = b"not SSH\r\n"
    stage.say = lambda handler, _: answer(handler, 503, PAGE)
    found = attempts(stage, requests=20)
    assert max(gaps(found, Route.HTTP)) >= 8
    assert max(gaps(found, Route.SSH)) >= 12


@pytest.mark.usefixtures("sparing")
def test_it_looks_at_each_turn_while_an_answer_is_late(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pace_module, "_CALM", {Route.HTTP: 0.3})
    monkeypatch.setattr(pace_module, "_PROMPT", 0.1)
    stage.outlook = Outlook.STEADY
    held, asked = threading.Event(), threading.Semaphore(0)

    def holds(handler: Any, record: dict[str, Any] | None) -> None:  # noqa: ANN401 - a handler
        if not held.is_set():
            asked.release()
            held.wait(PATIENCE)
        stores(handler, record)

    with Witness(watched(stage, ssh=False)) as witness:
        _wait_for_reads(stage, 3)
        stage.say = holds
        for _ in range(10):  # one that is late, and those that come at each turn then
            assert asked.acquire(timeout=PATIENCE)
        held.set()
    found = witness.statement.attempts
    late = next(each for each in found if each.seconds > 0.1)
    began = [each.planned for each in found if late.planned <= each.planned < late.ended]
    assert round(200 * min(later - sooner for sooner, later in pairwise(began))) == 1
