"""What an application serves through one node, read once and kept as values.

A front that does not serve is no error of the reading: what went wrong is kept in place of the
value, for a sentence to compare. What is the harness's fault is raised.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from cluster_tests.errors import FrontError

if TYPE_CHECKING:
    from collections.abc import Callable

    from cluster_tests.fronts.ledger import Found, Ledger, Record

T = TypeVar("T")


@dataclass(frozen=True, order=True)
class Unavailable:
    """What came instead of a value."""

    reason: str


@dataclass(frozen=True)
class Served:
    """What one node's front gave of a ledger; ``refusal`` is None when a write was acknowledged."""

    refusal: Unavailable | None
    records: frozenset[Found] | Unavailable
    files: frozenset[Found] | Unavailable
    cache: bytes | Unavailable | None


@dataclass(frozen=True)
class Departed:
    """What one node's front gives of a ledger that is gone.

    ``answer`` is that to a request for its domain, ``stranger`` that for a domain that nobody ever
    had: status and body. ``refuses_ssh`` tells whether its own port is closed.
    """

    answer: tuple[int, bytes] | Unavailable
    stranger: tuple[int, bytes] | Unavailable
    refuses_ssh: bool | Unavailable

    @property
    def as_it_must(self) -> bool:
        """Whether it is as if the application had never been."""
        known = isinstance(self.stranger, tuple)
        return known and self.answer == self.stranger and self.refuses_ssh is True


def written(ledger: Ledger, record: Record) -> Unavailable | None:
    """Write through one node, and tell what came instead of an acknowledgement."""
    return value_of(partial(ledger.write, record))


def served(ledger: Ledger, refusal: Unavailable | None) -> Served:
    """Read everything through one node; ``refusal`` is what came of a write through it."""
    return Served(
        refusal=refusal,
        records=value_of(lambda: frozenset(ledger.read_all())),
        files=value_of(lambda: frozenset(ledger.read_files())),
        cache=value_of(ledger.read_cache),
    )


def departed(ledger: Ledger) -> Departed:
    """Ask one node for what is no longer there, over HTTP and SSH."""
    front = ledger.front

    def ask(domain: str) -> tuple[int, bytes]:
        answer = front.http(domain)
        return answer.status, answer.body

    return Departed(
        answer=value_of(partial(ask, ledger.domain)),
        stranger=value_of(partial(ask, f"nobody.{ledger.domain}")),
        refuses_ssh=value_of(partial(front.refuses, ledger.port)),
    )


def value_of(call: Callable[[], T]) -> T | Unavailable:
    """Give what ``call`` returns, or what came instead when the front did not serve."""
    try:
        return call()
    except FrontError as error:
        return Unavailable(error.message)
