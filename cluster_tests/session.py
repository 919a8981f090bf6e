"""One session per run: what the specs share, opened when the first of them asks, closed at the end.

`configure` says how, `current` opens it or returns it, `close` ends it. The plugin configures and
closes; the givens ask.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cluster_tests.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


class Session:
    """Placeholder until core is there."""

    def close(self) -> None: ...


@dataclass
class _Run:
    find_inventory: Callable[[], Path] | None = None
    keep: bool = False
    session: Session | None = None


_run = _Run()


def configure(find_inventory: Callable[[], Path], *, keep: bool) -> None:
    _run.find_inventory = find_inventory
    _run.keep = keep


def current() -> Session:
    raise UsageError("no")


def close() -> None:
    if _run.session is not None:
        _run.session.close()
