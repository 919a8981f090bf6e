"""What the history says of a run, as frozen values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cluster_tests.results.verdict import Verdict


@dataclass(frozen=True)
class PastRun:
    """One run in a line. Seconds and shares are None where nothing was measured."""

    run_id: str
    started: str
    cluster: str
    version: str
    verdict: Verdict | None
    scenarios: int
    failed: int
    unknown: int
    switches: int
    median_switch: float | None
    worst_downtime: float | None
    acknowledged: int | None
    lost: int | None
    own_share: float | None


@dataclass(frozen=True, order=True)
class Scenario:
    """What is compared from run to run: a spec class with one of its examples."""

    id: str
    example: str = ""

    def __str__(self) -> str:
        """Print as reports name it."""
        return f"{self.id} -> {self.example}" if self.example else self.id


@dataclass(frozen=True)
class Flaky:
    """A scenario that both passed and failed on one version of the cluster."""

    scenario: Scenario
    passed: int
    failed: int


@dataclass(frozen=True)
class Slower:
    """A kind of switch that took longer than usual, beyond the noise; in seconds.

    ``measure`` is "to settle" or "away", ``now`` this run's median, ``usual`` the median of the
    earlier runs' medians, ``limit`` what the noise explains.
    """

    kind: str
    measure: str
    now: float
    usual: float
    limit: float


@dataclass(frozen=True)
class Standing:
    """A run beside the earlier ones of its cluster; ``trend`` ends with the run itself."""

    trend: tuple[PastRun, ...] = ()
    new_failures: tuple[Scenario, ...] = ()
    mended: tuple[Scenario, ...] = ()
    flaky: tuple[Flaky, ...] = ()
    slower: tuple[Slower, ...] = ()
