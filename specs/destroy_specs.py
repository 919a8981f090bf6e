"""Ends of an application: nothing but its last snapshots remains."""

from __future__ import annotations

from cluster_tests.behaviours import GONE, behaves_like
from cluster_tests.givens.applications import ARunningApplication
from cluster_tests.model import NOWHERE, Placement


@behaves_like(*GONE)
class WhenAnApplicationAloneIsDestroyed(ARunningApplication):
    """destroy-alone: core1 => nowhere"""

    before = Placement("core1")
    after = NOWHERE

    def because_we_destroy_the_application(self) -> None:
        self.switch()


@behaves_like(*GONE)
class WhenAPairIsDestroyed(ARunningApplication):
    """destroy-pair: core4/core3 => nowhere"""

    before = Placement("core4", "core3")
    after = NOWHERE

    def because_we_destroy_the_application(self) -> None:
        self.switch()
