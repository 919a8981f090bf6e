"""The local lab: four real nodes and a forge as containers of this machine's engine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cluster_tests.lab.plan import LabPlan

if TYPE_CHECKING:
    from pathlib import Path

    from cluster_tests.lab.progress import Progress


def ensure_up(progress: Progress) -> Path:
    """Return the lab's inventory; the lab is brought up first if it is down.

    Raises LabError when it does not come up.
    """
    from cluster_tests.lab.status import is_up  # noqa: PLC0415 - the engine's client loads slowly

    plan = LabPlan()
    if is_up(plan):
        return plan.inventory
    from cluster_tests.lab.up import bring_up  # noqa: PLC0415 - see above

    return bring_up(plan, progress)
