"""Clients that ask all the time: each failure is kept, and a broken client is no failure."""

from __future__ import annotations

import threading

import pytest

from cluster_tests.errors import FrontError, NodeError
from cluster_tests.fronts.asking import Asking

PAIR = ("core1", "echo")


def test_everybody_is_asked_before_and_once_more_on_demand() -> None:
    calls = {(node, name): (lambda: None) for node in ("core1", "core2") for name in "ab"}
    with Asking(calls) as asking:
        before = asking.asked
        assert all(before.values())
        asking.ask_all_once_more()
        assert all(asking.asked[pair] > before[pair] for pair in calls)
    assert asking.failures == ()


def test_each_failed_request_is_kept_with_time_node_and_reason() -> None:
    answers = iter([None, FrontError("core1", "refused")])

    def ask() -> None:
        error = next(answers, None)
        if error is not None:
            raise error

    with Asking({PAIR: ask}) as asking:
        asking.ask_all_once_more()
    [failure] = asking.failures
    assert (failure.node, failure.application) == PAIR
    assert "core1: refused" in str(failure)
    assert failure.at.endswith("+00:00")


def test_what_is_the_harness_s_fault_is_raised() -> None:
    def ask() -> None:
        raise NodeError("core1", "the tunnel broke")

    with pytest.raises(NodeError, match="the tunnel broke"), Asking({PAIR: ask}):
        pytest.fail("nobody could be asked")


def test_no_thread_stays_behind() -> None:
    with Asking({PAIR: lambda: None}):
        assert "asking core1" in {thread.name for thread in threading.enumerate()}
    assert "asking core1" not in {thread.name for thread in threading.enumerate()}


def test_nobody_to_ask_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="nobody to ask"):
        Asking({})
