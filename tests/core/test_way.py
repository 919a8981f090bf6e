from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cluster_tests.errors import ConsulError, FrontError, NodeError, UsageError
from cluster_tests.way import UNBROKEN, Way, repeated

if TYPE_CHECKING:
    from collections.abc import Callable

    from cluster_tests.errors import ClusterTestsError

BREAKING = Way("core1", lambda _: True)


def failing(times: int, error: ClusterTestsError) -> Callable[[], int]:
    """Fail so many times, then tell how often it was asked."""
    asked = [0]

    def ask() -> int:
        asked[0] += 1
        if asked[0] <= times:
            raise error
        return asked[0]

    return ask


@pytest.mark.parametrize("error", [NodeError("core1", "x"), FrontError("core1", "x")])
def test_what_broke_with_the_way_is_asked_again(error: ClusterTestsError) -> None:
    assert BREAKING.repeat(failing(3, error)) == 4


def test_it_is_not_asked_for_ever() -> None:
    with pytest.raises(ConsulError):
        BREAKING.repeat(failing(4, ConsulError("x")))


def test_in_the_end_it_is_the_harnesss_fault() -> None:
    with pytest.raises(NodeError, match="core1: the tunnel broke under a request: core1: x"):
        BREAKING.repeat(failing(9, FrontError("core1", "x")))
    with pytest.raises(NodeError):
        BREAKING.once(failing(1, FrontError("core1", "x")))


def test_what_broke_for_another_reason_is_asked_once() -> None:
    for ask in (UNBROKEN.repeat, UNBROKEN.once):
        with pytest.raises(FrontError):
            ask(failing(1, FrontError("core1", "x")))


def test_a_mistake_of_the_callers_is_no_break() -> None:
    with pytest.raises(UsageError):
        BREAKING.repeat(failing(1, UsageError("x")))


def test_the_second_time_it_may_ask_differently() -> None:
    assert BREAKING.repeat(failing(1, ConsulError("x")), again=lambda: 7) == 7


def test_only_a_break_under_the_request_counts() -> None:
    moments: list[float] = []

    def broke_since(moment: float) -> bool:
        moments.append(moment)
        return len(moments) < 3

    with pytest.raises(ConsulError):
        Way("core1", broke_since).repeat(failing(9, ConsulError("x")))
    assert moments == sorted(moments)
    assert len(set(moments)) == 3  # of each try its own beginning


def test_a_method_is_repeated() -> None:
    class Reader:
        way = BREAKING

        def __init__(self) -> None:
            self.asked: list[tuple[int, str]] = []

        @repeated
        def read(self, number: int, *, word: str) -> int:
            """Read."""
            self.asked.append((number, word))
            if len(self.asked) == 1:
                raise NodeError("core1", "x")
            return number

    reader = Reader()
    assert reader.read(3, word="w") == 3
    assert reader.asked == [(3, "w"), (3, "w")]
    assert Reader.read.__doc__ == "Read."


def test_a_connection_of_its_own_broke_only_by_what_came_after_it() -> None:
    way = Way("core1", lambda moment: moment <= 1000.0)
    assert way.broke_since(1000.05)  # a pooled connection may have been the one that broke
    assert not way.broke_under(1000.05)
    assert way.broke_under(1000.0)
