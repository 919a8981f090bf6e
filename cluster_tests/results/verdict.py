"""What one result says, what a run says in sum, and the exit code of each."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from cluster_tests.errors import HarnessError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable

INTERRUPTED_CODE = 130  # what shells report for a command that Ctrl-C ended
# The message of what was interrupted: nothing went wrong there.
INTERRUPTION = "interrupted before it was done"


class Verdict(StrEnum):
    """A single result is one of pass, fail and unknown; a run may be any of these."""

    PASS = "pass"  # noqa: S105 - no password
    FAIL = "fail"
    INFRASTRUCTURE = "infrastructure"
    UNKNOWN = "unknown"
    USAGE = "usage"
    INTERRUPTED = "interrupted"

    @property
    def exit_code(self) -> int:
        """What a run with this verdict ends with."""
        return _EXIT_CODES[self]

    @property
    def of_a_result(self) -> Verdict:
        """What it says of one scenario: whatever is neither pass nor fail was not judged."""
        return self if self in {Verdict.PASS, Verdict.FAIL} else Verdict.UNKNOWN


# The first of these that occurred is the run's verdict: what is proved broken outweighs the rest,
# except that an interrupted run has not said its last word, and that on nodes which are not fit
# nothing is proved at all.
_EXIT_CODES = {
    Verdict.INTERRUPTED: INTERRUPTED_CODE,
    Verdict.INFRASTRUCTURE: HarnessError.exit_code,
    Verdict.FAIL: 1,
    Verdict.USAGE: UsageError.exit_code,
    Verdict.UNKNOWN: HarnessError.exit_code,
    Verdict.PASS: 0,
}


def in_sum(verdicts: Iterable[Verdict], *, of_nothing: Verdict) -> Verdict:
    """Return what ``verdicts`` say together, or ``of_nothing`` where there is none."""
    occurred = set(verdicts)
    return next((verdict for verdict in _EXIT_CODES if verdict in occurred), of_nothing)
