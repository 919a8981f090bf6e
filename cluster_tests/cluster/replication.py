"""Tries the way that the replication's jobs go: a snapshot taken now, sent, and restored there.

The jobs themselves run once an hour. What they do is done here at once, through the same plugin,
to the address that each job names. Nothing touches the running application: its content is read
from the snapshot on the master, and from a volume of our own that the snapshot becomes on the
other node.
"""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from cluster_tests.cluster import content_script
from cluster_tests.errors import NodeError
from cluster_tests.waiting.side_by_side import meanwhile, side_by_side

if TYPE_CHECKING:
    from collections.abc import Mapping
    from concurrent.futures import Executor
    from pathlib import PurePosixPath

    from cluster_tests.cluster.observing import Node
    from cluster_tests.inventory.entries import Inventory
    from cluster_tests.model import Observation

_COMMAND = ("python3", "-c", Path(content_script.__file__).read_text(encoding="utf-8"))
_JOB = "replicate:"
# Below the plugin's directory on the node (Buttervolume's README, "Working with snapshots").
_SNAPSHOTS = "snapshots"
_SCRATCH = "cluster-tests-"  # what the name of a volume of our own begins with


@dataclass(frozen=True, order=True)
class Content:
    """What a volume holds: how many files, and one hash over names, owners, modes and bytes."""

    files: int
    sha256: str


@dataclass(frozen=True, order=True)
class Replicated:
    """What became of a snapshot: what it held here, and what it restored to there.

    ``restored`` is None, and ``objection`` says why, when it did not come so far.
    """

    taken: Content
    restored: Content | None
    objection: str = ""


def replicate(
    executor: Executor,
    inventory: Inventory,
    nodes: Mapping[str, Node],
    shown: Observation,
    master: str,
) -> dict[str, Replicated]:
    """Try every replication job that ``shown`` has on ``master``; tell what came of it by volume.

    Raises ``NodeError`` when a node cannot be asked; a plugin that objects is no error but a
    result.
    """
    jobs = {
        job.volume: job.action.removeprefix(_JOB)
        for job in shown.nodes[master].schedules
        if job.action.startswith(_JOB)
    }
    calls = {
        volume: partial(_Replication(executor, inventory, nodes, master).replicate, volume, address)
        for volume, address in jobs.items()
    }
    return side_by_side(executor, calls)


@dataclass(frozen=True)
class _Replication:
    executor: Executor
    inventory: Inventory
    nodes: Mapping[str, Node]
    master: str

    def replicate(self, volume: str, address: str) -> Replicated:
        there = self._node_at(address)
        snapshot = self.nodes[self.master].probe.take_snapshot(volume)
        taken = self.inventory.paths.btrfs / _SNAPSHOTS / snapshot
        # It is read here while it travels: nothing can change it any more.
        with meanwhile(self.executor, partial(self._content, self.master, taken)) as content:
            restored, objection = self._arrived(snapshot, address, there)
        return Replicated(content.result(), restored, objection)

    def _arrived(self, snapshot: str, address: str, there: str) -> tuple[Content | None, str]:
        """Send a snapshot and restore it there; tell its content, or what came instead."""
        objection = self.nodes[self.master].probe.send(snapshot, address)
        if objection:
            return None, f"{self.master}: sending {snapshot}: {objection}"
        scratch = f"{_SCRATCH}{secrets.token_hex(6)}"
        objection = self.nodes[there].probe.restore(snapshot, scratch)
        if objection:
            return None, f"{there}: restoring {snapshot}: {objection}"
        try:
            return self._content(there, scratch), ""
        finally:
            self.nodes[there].engine.remove_volume(scratch)

    def _node_at(self, address: str) -> str:
        found = [node for node in self.nodes if self.inventory.address_of(node) == address]
        if not found:
            raise NodeError(self.master, f"a job replicates to {address}, which is no node's")
        return found[0]

    def _content(self, node: str, source: str | PurePosixPath) -> Content:
        output = self.nodes[node].engine.run_apart(
            self.inventory.names.consul, _COMMAND, {content_script.PLACE: source}
        )
        if output.exit_code != 0:
            raise NodeError(node, f"the content of {source} cannot be read: {output.stderr}")
        return Content(**json.loads(output.stdout))
