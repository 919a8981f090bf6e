"""A check: a look with a deadline that needs others to hold, and is not made where they do not."""

from __future__ import annotations

import threading
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from cluster_tests.doctor.findings import Finding, Outcome
from cluster_tests.errors import ClusterTestsError, HarnessError
from tunnels import TunnelError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

T = TypeVar("T")


@dataclass(frozen=True)
class Check:
    """``look`` tells what it saw, and raises our errors or the tunnels' for what does not hold.

    ``needs`` are the checks, before this one, without which there is nothing to look at.
    """

    name: str
    look: Callable[[], str]
    needs: tuple[str, ...] = ()


def examined(
    subject: str, checks: Iterable[Check], limit: float, begun: Callable[[str, str], None]
) -> Iterator[Finding]:
    """Make the checks one after another; each has ``limit`` seconds.

    ``begun`` is told subject and check when a look begins.
    """
    why_not: dict[str, str] = {}  # the check that failed first, for all that do not hold
    for check in checks:
        failed = next((why_not[need] for need in check.needs if need in why_not), "")
        if failed:
            finding = Finding(subject, check.name, Outcome.NOT_CHECKED, f"{failed} does not hold")
        else:
            begun(subject, check.name)
            finding = _looked(subject, check, limit)
        if finding.outcome is not Outcome.HOLDS:
            why_not[check.name] = failed or check.name
        yield finding


def _looked(subject: str, check: Check, limit: float) -> Finding:
    try:
        told = in_time(check.look, limit)
    except (ClusterTestsError, TunnelError) as error:
        said = error.message.removeprefix(f"{subject}: ")
        return Finding(subject, check.name, Outcome.FAILS, said, error.remedy)
    return Finding(subject, check.name, Outcome.HOLDS, told)


def in_time(call: Callable[[], T], limit: float) -> T:
    """Wait ``limit`` seconds for ``call``; raise ``HarnessError`` when it is not done by then.

    What hangs cannot be ended: its thread, a daemon, is left to itself.
    """
    done = begin(call)
    try:
        return done.result(limit)
    except FutureTimeoutError as error:
        if done.done():  # it is the call's own
            raise
        message = f"no end after {limit:g} s"
        raise HarnessError(message, remedy="look whether the host is overloaded") from error


def begin(call: Callable[[], T]) -> Future[T]:
    """Run ``call`` on a daemon thread: whatever becomes of it, the program can end."""
    done: Future[T] = Future()
    threading.Thread(target=partial(_run, call, done), name="doctor", daemon=True).start()
    return done


def _run(call: Callable[[], T], done: Future[T]) -> None:
    try:
        done.set_result(call())
    except BaseException as error:  # noqa: BLE001 - whoever waits gets it
        done.set_exception(error)
