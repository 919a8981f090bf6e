"""What a night consists of: this suite's commands, and what their exit codes mean for it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

PASSED, FAILED, UNKNOWN, USAGE, INTERRUPTED = 0, 1, 2, 3, 130
# The first of these that occurred is the night's: an interrupted night has not said its last word,
# and what is proved broken outweighs what nobody could tell.
_WORST_FIRST = (INTERRUPTED, FAILED, USAGE, UNKNOWN)


@dataclass(frozen=True)
class Step:
    """One command. ``needed``: nothing after it can be judged unless it succeeds.

    ``judges``: its exit code is a verdict on the cluster. Of all others, a failure only means
    that the cluster could not be judged. ``always``: it is run whatever became of those before.
    """

    name: str
    command: tuple[str, ...]
    needed: bool = False
    judges: bool = False
    always: bool = False


@dataclass(frozen=True)
class Night:
    """What was asked for; without an ``inventory`` it is the local lab, which is brought up."""

    inventory: Path | None = None
    full: bool = False
    shard: str = ""
    specs: Sequence[str] = field(default_factory=lambda: ["specs/"])


def steps(night: Night) -> Iterator[Step]:
    """Yield the commands in their order."""
    where = [] if night.inventory is None else ["--inventory", str(night.inventory)]
    shard = ["--shard", night.shard] if night.shard else []
    if night.inventory is None:
        yield Step("lab", ("cluster-tests", "lab", "up"), needed=True)
    yield Step("doctor", ("cluster-tests", "doctor", *where), needed=True)
    yield Step("specs", ("run-contexts", *night.specs, "-v", "-s", *where, *shard), judges=True)
    yield Step(
        "tour",
        ("cluster-tests", "tour", "--full" if night.full else "--kinds", *where),
        judges=True,
    )
    if night.inventory is None:
        yield Step("lab down", ("cluster-tests", "lab", "down"), always=True)


def verdict_of(step: Step, code: int) -> int:
    """Say what a step's exit code means for the night."""
    if code in {PASSED, INTERRUPTED, USAGE}:
        return code
    return code if step.judges and code == FAILED else UNKNOWN


def in_sum(verdicts: Iterable[int]) -> int:
    """Return the night's exit code; a night in which nothing was judged proves nothing."""
    found = set(verdicts)
    if not found:
        return UNKNOWN
    return next((code for code in _WORST_FIRST if code in found), PASSED)
