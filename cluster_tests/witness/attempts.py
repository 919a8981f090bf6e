"""What one client tried at one moment, and what came of it. Frozen values; nothing does I/O."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cluster_tests.fronts.ledger import Record


class Route(StrEnum):
    """A way to the application through a node's front."""

    HTTP = "http"
    SSH = "ssh"


# To an application: through a node, and over which route.
Way = tuple[str, Route]
# When something may be tried, in seconds since the witness began, and over which route.
Turn = tuple[float, Route]


class What(StrEnum):
    """What is tried: a record written or read over HTTP; over SSH, to be greeted by its server."""

    WRITE = "write"
    READ = "read"
    GREETING = "greeting"


class Outcome(StrEnum):
    """What came of it: FAILED had no effect for certain, of UNKNOWN nobody can say."""

    ACKNOWLEDGED = "acknowledged"
    FAILED = "failed"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Slot:
    """One attempt as it is planned: ``after`` is seconds since the witness began."""

    after: float
    node: str
    what: What

    @property
    def route(self) -> Route:
        """What it goes over."""
        return Route.SSH if self.what is What.GREETING else Route.HTTP

    @property
    def way(self) -> Way:
        """The way it takes."""
        return self.node, self.route


@dataclass(frozen=True)
class Answer:
    """What came of an attempt; ``maintenance`` tells that the maintenance page answered."""

    outcome: Outcome
    reason: str = ""
    maintenance: bool = False


@dataclass(frozen=True)
class Attempt:
    """One attempt. Times are seconds since 1970 on the harness's clock.

    ``planned`` is when it was due, whatever came in between: waiting counts from there, so that a
    client that is held up hides nothing (Gil Tene's "coordinated omission"). ``cut_off`` tells
    that the harness's way to the node broke meanwhile.
    """

    planned: float
    begun: float
    ended: float
    node: str
    what: What
    answer: Answer
    record: Record | None = field(default=None, compare=False)
    cut_off: bool = False

    @property
    def route(self) -> Route:
        """The way it took."""
        return Route.SSH if self.what is What.GREETING else Route.HTTP

    @property
    def seconds(self) -> float:
        """How long a client waited who came when it was planned."""
        return self.ended - self.planned

    def served(self, patience: float) -> bool:
        """Tell whether it was answered well within ``patience`` seconds."""
        return self.answer.outcome is Outcome.ACKNOWLEDGED and self.seconds <= patience

    def tells(self, patience: float) -> bool:
        """Tell whether it says anything of the application: what was cut off does if it served."""
        return not self.cut_off or self.served(patience)
