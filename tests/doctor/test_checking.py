"""Checks that need others, that hang, that fail, and that break."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from cluster_tests.doctor.checking import Check, examined, in_time
from cluster_tests.doctor.findings import Finding, Outcome
from cluster_tests.doctor.login import STEPS, Login
from cluster_tests.errors import HarnessError, NodeError
from tunnels.errors import (
    HandshakeError,
    HostKeyChangedError,
    IdentityExposedError,
    KeyRefusedError,
    KnownHostsError,
    SpecError,
    TunnelError,
    UnreachableError,
)

if TYPE_CHECKING:
    from collections.abc import Callable

HOLDS, FAILS, NOT_CHECKED = Outcome.HOLDS, Outcome.FAILS, Outcome.NOT_CHECKED


def nothing(*_: str) -> None:
    """Be told what is begun."""


def raises(error: BaseException) -> Callable[[], str]:
    def look() -> str:
        raise error

    return look


def outcomes(checks: list[Check], limit: float = 5.0) -> dict[str, Outcome]:
    return {f.check: f.outcome for f in examined("core1", checks, limit, nothing)}


def test_what_holds_tells_what_it_saw() -> None:
    [finding] = examined("core1", [Check("engine", lambda: "26.1")], 5, nothing)
    assert finding == Finding("core1", "engine", HOLDS, "26.1")
    assert finding.as_json()["outcome"] == "holds"


def test_what_fails_tells_its_remedy_and_its_subject_once() -> None:
    error = NodeError("core1", "it is off", remedy="switch it on")
    [finding] = examined("core1", [Check("engine", raises(error))], 5, nothing)
    assert finding == Finding("core1", "engine", FAILS, "it is off", "switch it on")


def test_what_needs_a_failed_check_is_not_made_and_names_the_first_that_failed() -> None:
    made: list[str] = []

    def make(name: str) -> str:
        made.append(name)
        return name

    checks = [
        Check("a", raises(TunnelError("no"))),
        Check("b", lambda: make("b"), ("a",)),
        Check("c", lambda: make("c"), ("b",)),
        Check("d", lambda: "still looked at"),
    ]
    found = list(examined("core1", checks, 5, nothing))
    assert [f.outcome for f in found] == [FAILS, NOT_CHECKED, NOT_CHECKED, HOLDS]
    assert found[2].told == "a does not hold"
    assert made == []


def test_a_look_that_hangs_fails_at_its_deadline_and_the_others_go_on() -> None:
    hang = threading.Event()
    checks = [Check("hangs", lambda: str(hang.wait())), Check("next", lambda: "")]
    found = list(examined("core1", checks, 0.05, nothing))
    hang.set()
    assert [f.outcome for f in found] == [FAILS, HOLDS]
    assert "no end after 0.05 s" in found[0].told


def test_a_timeout_of_the_call_itself_is_its_own_error() -> None:
    with pytest.raises(TimeoutError, match="of the call"):
        in_time(raises(TimeoutError("of the call")), 5)
    with pytest.raises(HarnessError, match="no end after"):
        in_time(lambda: threading.Event().wait(1), 0.01)


def test_a_defect_of_ours_is_not_told_as_a_finding() -> None:
    with pytest.raises(ZeroDivisionError):
        outcomes([Check("defect", raises(ZeroDivisionError()))])


@pytest.mark.parametrize(
    ("error", "step"),
    [
        (SpecError("x"), "ssh settings"),
        (TunnelError("of a kind that is not known here"), "ssh settings"),
        (IdentityExposedError("x"), "key"),
        (KnownHostsError("x"), "known_hosts"),
        (UnreachableError("x"), "port"),
        (HandshakeError("x"), "ssh"),
        (HostKeyChangedError("x"), "host key"),
        (KeyRefusedError("x"), "login"),
    ],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)
def test_a_login_fails_at_its_step_and_nothing_behind_is_said_to_hold(
    error: TunnelError, step: str
) -> None:
    found = outcomes(Login(raises(error)).checks())  # type: ignore[arg-type]
    at = STEPS.index(step)
    assert list(found) == list(STEPS)
    assert list(found.values()) == [
        *[HOLDS] * at,
        FAILS,
        *[NOT_CHECKED] * (len(STEPS) - at - 1),
    ]


def test_a_login_that_succeeds_holds_at_every_step_and_is_made_once() -> None:
    made: list[str] = []
    found = outcomes(Login(lambda: made.append("login")).checks())
    assert set(found.values()) == {HOLDS}
    assert made == ["login"]
