"""The switches of a scenario: amended until the recorder takes them."""

from __future__ import annotations

import pytest
from synthetic import a_switch

from cluster_tests.results.switch_log import SwitchLog
from cluster_tests.results.values import Downtime, Event, Writes
from cluster_tests.results.verdict import Verdict


def test_what_is_learnt_later_is_added() -> None:
    log = SwitchLog()
    log.add(a_switch(kind="deploy-pair", writes=None, downtime=None))
    ticket = log.add(a_switch(writes=None, downtime=None))
    late, early = Event(2, "kv", "late"), Event(1, "kv", "early")
    log.amend(ticket, writes=Writes(lost=1), verdict=Verdict.FAIL, events=[late])
    log.amend(ticket, downtime={"http": Downtime(1)}, traces=["gone"], events=[early])
    log.amend(ticket, downtime={"ssh": Downtime(2)})
    [(first, none), (second, events)] = log.take()
    assert (first.kind, first.writes, first.verdict, none) == ("deploy-pair", None, "pass", ())
    assert second.writes == Writes(lost=1)
    assert second.downtime == {"http": Downtime(1), "ssh": Downtime(2)}
    assert (second.traces, second.verdict, events) == (("gone",), "fail", (early, late))


def test_a_verdict_is_only_made_worse() -> None:
    log = SwitchLog()
    ticket = log.add(a_switch(Verdict.FAIL))
    log.amend(ticket, verdict=Verdict.PASS)
    assert log.take()[0][0].verdict is Verdict.FAIL


def test_what_was_taken_is_forgotten_and_cannot_be_amended() -> None:
    log = SwitchLog()
    ticket = log.add(a_switch())
    log.take()
    assert log.take() == []
    with pytest.raises(IndexError, match="switch 0 is written down already"):
        log.amend(ticket, writes=Writes())
    later = log.add(a_switch(writes=None))
    log.amend(later, writes=Writes(lost=2))
    assert log.take()[0][0].writes == Writes(lost=2)
