"""Keeps a run from what goes wrong while it is written down.

What cannot be written down is told as a warning, once, and is an error of the harness: a run that
would have passed is then "unknown" (exit code 2), because nobody could look up what it proved. A
run that failed stays failed, and an interrupted one interrupted.
"""

from __future__ import annotations

import traceback
from typing import TYPE_CHECKING, TypeVar

from cluster_tests.errors import ClusterTestsError, HarnessError
from cluster_tests.report import say

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


class Keeper:
    """Makes the steps of writing down, until one fails."""

    def __init__(self) -> None:
        """Nothing has failed yet."""
        self.broken: ClusterTestsError | None = None

    def keep(self, step: Callable[[], T]) -> T | None:
        """Make a step; after the first that fails none is made, and None is returned."""
        return self.note(step) if self.broken is None else None

    def note(self, step: Callable[[], T]) -> T | None:
        """Make a step that writes nothing: also after a failure, for what is told at the end."""
        try:
            return step()
        except Exception as error:  # noqa: BLE001 - told here, and part of the verdict at the end
            if self.broken is None:
                self.broken = _as_ours(error)
                say(f"warning: this run is not written down any more: {self.broken}", indent=0)
            return None


def told(error: Exception) -> str:
    """Write an error for people: ours tell all by themselves, others also say where they arose."""
    if isinstance(error, ClusterTestsError):
        lines = [str(error)]
    elif isinstance(error, AssertionError):
        lines = [str(error) or "it does not hold", _place(error)]
    else:
        lines = [f"{type(error).__name__}: {error}", _place(error)]
    lines += getattr(error, "__notes__", [])
    # Whatever it quotes may hold half characters, which no file could.
    return "\n".join(filter(None, lines)).encode(errors="replace").decode()


def _as_ours(error: Exception) -> ClusterTestsError:
    if isinstance(error, ClusterTestsError):
        return error
    return HarnessError(f"the run could not be written down: {told(error)}")


def _place(error: Exception) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    last = frames[-1] if frames else None
    return f"  at {last.filename}:{last.lineno} in {last.name}" if last else ""
