"""Where a lost write went: which snapshots hold it, on the old master and on the new one.

A record is a file of its own on the ledger's ``files`` volume, so each snapshot of that volume
tells whether it was taken before or after the write. Snapshots are called ``<volume>@<time>``, on
the node that sent one with ``@<host>`` behind it (Buttervolume, plugin.py).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cluster_tests.errors import NodeError
from cluster_tests.witness import tracing_script

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from cluster_tests.inventory.entries import Inventory
    from cluster_tests.model import Switch
    from cluster_tests.nodes.node import Engine

_COMMAND = ("python3", "-c", Path(tracing_script.__file__).read_text(encoding="utf-8"))
_SNAPSHOTS = "snapshots"  # below the plugin's directory (Buttervolume's README)

# By snapshot: which of the files that were asked for it holds.
Holdings = dict[str, frozenset[str]]


@dataclass(frozen=True)
class Trace:
    """Where one lost record was; None is what does not apply, or cannot be told.

    ``taken``: it is in the last snapshot that the old master took. ``received``: the new master
    has that snapshot. ``restored``: the new master's latest snapshot, which is what it restores,
    is that one.
    """

    record: str
    taken: bool | None
    received: bool | None
    restored: bool | None

    def __str__(self) -> str:
        """Tell the way as far as it went, on one line."""
        steps = {
            "in the old master's last snapshot": self.taken,
            "that snapshot received": self.received,
            "that snapshot the one restored": self.restored,
        }
        words = {True: "yes", False: "NO", None: "-"}
        told = ", ".join(f"{step}: {words[there]}" for step, there in steps.items())
        return f"record {self.record}: {told}"


def read_holdings(
    engine: Engine, inventory: Inventory, volume: str, records: Sequence[str]
) -> Holdings:
    """Look into all snapshots of ``volume`` on a node; raise ``NodeError`` if nobody can."""
    command = [*_COMMAND, f"{volume}@", *records]
    place = inventory.paths.btrfs / _SNAPSHOTS
    done = engine.run_apart(inventory.names.consul, command, {tracing_script.PLACE: place})
    if done.exit_code != 0:
        raise NodeError(engine.node, f"{place} cannot be searched: {done.stderr.strip()}")
    return {name: frozenset(files) for name, files in json.loads(done.stdout).items()}


def trace(
    switch: Switch, records: Sequence[str], holdings: Mapping[str, Holdings]
) -> tuple[Trace, ...]:
    """Tell where each of ``records`` was; ``holdings`` are those of the two masters, by node."""
    old = _by_time(holdings.get(switch.before.master or "", {}))
    last = max(old, default=None)
    if last is None:
        return tuple(Trace(one, None, None, None) for one in records)
    received = restored = None
    if switch.before.master != switch.after.master:
        new = _by_time(holdings.get(switch.after.master or "", {}))
        received, restored = last in new, max(new, default=None) == last
    return tuple(Trace(one, one in old[last], received, restored) for one in records)


def _by_time(holdings: Holdings) -> dict[str, frozenset[str]]:
    """Key by the time it was taken at, which is the same wherever it was sent."""
    return {name.split("@")[1]: files for name, files in holdings.items()}
