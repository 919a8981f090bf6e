"""Live progress of the lab: a table on a terminal, timed lines in a log."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Protocol

from rich.live import Live
from rich.table import Table

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from rich.console import Console


class Progress(Protocol):
    """Whom the lab tells what it does: ``subject`` is a host or an image."""

    def step(self, subject: str, doing: str) -> None:
        """Say that ``subject`` is now ``doing`` something."""


class LineProgress:
    """One timed line for each step: for logs and pipes."""

    def __init__(self, console: Console) -> None:
        """Write to ``console``; times count from now."""
        self._console = console
        self._started = time.monotonic()

    def __enter__(self) -> Self:
        """Nothing to prepare."""
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing to close."""

    def step(self, subject: str, doing: str) -> None:
        """Print the step with the seconds since the start."""
        elapsed = time.monotonic() - self._started
        self._console.print(
            f"[{elapsed:6.1f} s] {subject}: {doing}", markup=False, highlight=False, soft_wrap=True
        )


class TableProgress:
    """A row for each subject that changes in place: for people."""

    def __init__(self, console: Console) -> None:
        """Draw on ``console``; times count from now."""
        self._console = console
        self._started = time.monotonic()
        self._rows: dict[str, tuple[str, float]] = {}
        self._lock = threading.Lock()
        self._live = Live(console=console, get_renderable=self._table, refresh_per_second=8)

    def __enter__(self) -> Self:
        """Start drawing."""
        self._live.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Draw the last state and stop."""
        self._live.__exit__(kind, error, traceback)

    def step(self, subject: str, doing: str) -> None:
        """Replace the subject's row."""
        with self._lock:
            self._rows[subject] = (doing, time.monotonic())

    def _table(self) -> Table:
        table = Table.grid(padding=(0, 2))
        with self._lock:
            rows = list(self._rows.items())
        for subject, (doing, since) in rows:
            table.add_row(f"[bold]{subject}[/]", doing, f"[dim]{since - self._started:5.1f} s[/]")
        return table


def progress_on(console: Console) -> LineProgress | TableProgress:
    """Choose the form that suits where ``console`` writes."""
    return TableProgress(console) if console.is_terminal else LineProgress(console)
