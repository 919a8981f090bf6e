from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import TYPE_CHECKING

import pytest

from cluster_tests.errors import ClusterTestsError, NodeError, SeveralErrors
from cluster_tests.waiting.side_by_side import meanwhile, side_by_side

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def executor() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(3) as executor:
        yield executor


def fail(error: BaseException) -> None:
    raise error


def test_calls_run_at_once_and_give_their_values(executor: ThreadPoolExecutor) -> None:
    together = Barrier(3, timeout=5)
    found = side_by_side(executor, dict.fromkeys("abc", together.wait))
    assert sorted(found.values()) == [0, 1, 2]


def test_one_error_is_raised_as_it_is(executor: ThreadPoolExecutor) -> None:
    error = NodeError("core1", "down")
    with pytest.raises(NodeError) as raised:
        side_by_side(executor, {"a": lambda: fail(error), "b": lambda: None})
    assert raised.value is error


def test_no_error_is_lost(executor: ThreadPoolExecutor) -> None:
    calls = {
        node: lambda node=node: fail(NodeError(node, "down", remedy=f"start {node}"))
        for node in ("core1", "core2")
    }
    with pytest.raises(SeveralErrors) as raised:
        side_by_side(executor, calls)
    assert "core1: down" in str(raised.value)
    assert "core2: down" in str(raised.value)
    assert "start core1; start core2" in str(raised.value)
    assert [error.message for error in raised.value.errors] == ["core1: down", "core2: down"]


def test_the_same_words_of_one_node_are_said_once(executor: ThreadPoolExecutor) -> None:
    calls = {part: lambda: fail(NodeError("core1", "down")) for part in "abc"}
    with pytest.raises(NodeError, match="core1: down"):
        side_by_side(executor, calls)


def test_a_defect_of_ours_is_raised_with_the_others(executor: ThreadPoolExecutor) -> None:
    with pytest.raises(BaseExceptionGroup) as raised:
        side_by_side(
            executor,
            {"a": lambda: fail(KeyError("x")), "b": lambda: fail(ClusterTestsError("y"))},
        )
    assert {type(error) for error in raised.value.exceptions} == {KeyError, ClusterTestsError}


def test_meanwhile_runs_beside_the_block_and_is_waited_for(executor: ThreadPoolExecutor) -> None:
    together = Barrier(2, timeout=5)
    with meanwhile(executor, together.wait) as future:
        here = together.wait()
    assert future.done()
    assert {here, future.result()} == {0, 1}


def test_an_error_meanwhile_is_raised_to_who_asks_for_the_result(
    executor: ThreadPoolExecutor,
) -> None:
    with meanwhile(executor, lambda: fail(NodeError("core1", "down"))) as future:
        pass
    with pytest.raises(NodeError, match="core1: down"):
        future.result()


def test_an_error_of_the_block_comes_first_and_the_other_is_its_note(
    executor: ThreadPoolExecutor,
) -> None:
    error = NodeError("core1", "first")
    with (
        pytest.raises(NodeError, match="first") as raised,
        meanwhile(executor, lambda: fail(NodeError("core2", "second"))),
    ):
        raise error
    assert raised.value is error
    assert raised.value.__notes__ == ["and meanwhile: core2: second"]
