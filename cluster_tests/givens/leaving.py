"""How the applications of a spec leave: whole, and with no error lost or masked."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from cluster_tests.errors import ClusterTestsError, joined
from cluster_tests.plugin.interrupts import interrupts

if TYPE_CHECKING:
    from collections.abc import Callable


def gone(leave: Callable[[], object]) -> ClusterTestsError | None:
    """Let somebody leave, whatever signal comes meanwhile; give what went wrong."""
    try:
        with interrupts.shielded():
            leave()
    except ClusterTestsError as error:
        return error
    return None


def raise_first(*errors: Exception | None) -> None:
    """Raise the first of them, the others as its notes; one that is under way comes first."""
    underway = sys.exc_info()[1]
    first = joined([underway, *errors])
    if first is not None and first is not underway:
        raise first
