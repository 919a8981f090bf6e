"""What the volume plugin says, as values: jobs, volumes and snapshots.

Source: Buttervolume's plugin.py. A job's timer is minutes and its state the text of a Python
bool; a snapshot is called ``<volume>@<time>``, with ``@<host>`` behind it once it was sent there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cluster_tests.errors import NodeError
from cluster_tests.model import Schedule

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


def read_schedules(node: str, jobs: Iterable[Mapping[str, str]]) -> frozenset[Schedule]:
    """Read the plugin's jobs; raise ``NodeError`` for one that is not of its shape."""
    return frozenset(_schedule(node, job) for job in jobs)


def _schedule(node: str, job: Mapping[str, str]) -> Schedule:
    try:
        return Schedule(job["Name"], job["Action"], int(job["Timer"]), job["Active"] != "False")
    except (KeyError, TypeError, ValueError) as error:  # half a line gives None
        raise NodeError(node, f"the volume plugin lists a job of unknown shape: {job}") from error


def volume_of(snapshot: str) -> str:
    """Tell which volume a snapshot was taken of."""
    return snapshot.partition("@")[0]
