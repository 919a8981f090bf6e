"""Tries the way that the replication's jobs go: a snapshot taken now, sent, and restored there.

The jobs themselves run once an hour. What they do is done here at once, through the same plugin,
to the address that each job names. Nothing touches the running application: its content is read
from the snapshot on the master, and from a volume of our own that the snapshot becomes on the
other node.
"""

from __future__ import annotations

import json
import secrets
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from cluster_tests.cluster import content_script
from cluster_tests.errors import NodeError
from cluster_tests.waiting.side_by_side import meanwhile, side_by_side

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
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


@dataclass(frozen=True)
class _Travel:
    """A snapshot on its way to the node ``there``, where it becomes the volume ``scratch``.

    ``there`` is None where the address is no node's.
    """

    volume: str
    snapshot: str
    address: str
    there: str | None
    scratch: str


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

    A job of a volume that is not there is left out: the jobs themselves are judged elsewhere.
    Raises ``NodeError`` when a node cannot be asked; a plugin that objects is no error but a
    result.
    """
    jobs = {
        job.volume: job.action.removeprefix(_JOB)
        for job in shown.nodes[master].schedules
        if job.action.startswith(_JOB) and job.volume in shown.nodes[master].btrfs_volumes
    }
    return _Replication(executor, inventory, nodes, master).replicate(jobs) if jobs else {}


@dataclass(frozen=True)
class _Replication:
    executor: Executor
    inventory: Inventory
    nodes: Mapping[str, Node]
    master: str

    def replicate(self, jobs: Mapping[str, str]) -> dict[str, Replicated]:
        """Try all ``jobs``, the address by volume; a container reads all that is on its node."""
        travels = {volume: self._travel(volume, address) for volume, address in jobs.items()}
        taken = {each.volume: self._kept(each) for each in travels.values()}
        # They are read here while they travel: nothing can change them any more.
        with meanwhile(self.executor, partial(self._contents, self.master, taken)) as contents:
            restored = self._restored(travels.values())
        return {volume: Replicated(contents.result()[volume], *restored[volume]) for volume in jobs}

    def _travel(self, volume: str, address: str) -> _Travel:
        snapshot = self.nodes[self.master].probe.take_snapshot(volume)
        return _Travel(
            volume, snapshot, address, self._node_at(address), f"{_SCRATCH}{secrets.token_hex(6)}"
        )

    def _kept(self, travel: _Travel) -> PurePosixPath:
        return self.inventory.paths.btrfs / _SNAPSHOTS / travel.snapshot

    def _restored(self, travels: Collection[_Travel]) -> dict[str, tuple[Content | None, str]]:
        """Send and restore; tell by volume the content there, or None and the objection."""
        with ExitStack() as scratches:
            objections = side_by_side(
                self.executor,
                {each.volume: partial(self._sent, each, scratches) for each in travels},
            )
            contents = self._contents_there(
                [each for each in travels if not objections[each.volume]]
            )
        return {
            each.volume: (contents.get(each.volume), objections[each.volume]) for each in travels
        }

    def _sent(self, travel: _Travel, scratches: ExitStack) -> str:
        """Send and restore one; tell what is objected. ``scratches`` removes what it became."""
        if travel.there is None:
            return f"{self.master}: a job replicates to {travel.address}, which is no node's"
        objection = self.nodes[self.master].probe.send(travel.snapshot, travel.address)
        if objection:
            return f"{self.master}: sending {travel.snapshot}: {objection}"
        objection = self.nodes[travel.there].probe.restore(travel.snapshot, travel.scratch)
        if objection:
            return f"{travel.there}: restoring {travel.snapshot}: {objection}"
        scratches.callback(self.nodes[travel.there].engine.remove_volume, travel.scratch)
        return ""

    def _contents_there(self, arrived: Collection[_Travel]) -> dict[str, Content]:
        places: dict[str, dict[str, str]] = {}
        for each in arrived:
            if each.there is not None:
                places.setdefault(each.there, {})[each.volume] = each.scratch
        found = side_by_side(
            self.executor,
            {there: partial(self._contents, there, volumes) for there, volumes in places.items()},
        )
        return {
            volume: content for by_volume in found.values() for volume, content in by_volume.items()
        }

    def _node_at(self, address: str) -> str | None:
        found = (node for node in self.nodes if self.inventory.address_of(node) == address)
        return next(found, None)

    def _contents(
        self, node: str, sources: Mapping[str, str | PurePosixPath]
    ) -> dict[str, Content]:
        """Read volumes or directories of a node, by the names that ``sources`` gives them."""
        output = self.nodes[node].engine.run_apart(
            self.inventory.names.consul,
            _COMMAND,
            {f"{content_script.PLACE}/{name}": source for name, source in sources.items()},
        )
        if output.exit_code != 0:
            those = ", ".join(str(source) for source in sources.values())
            raise NodeError(node, f"the content of {those} cannot be read: {output.stderr}")
        found = json.loads(output.stdout)
        return {name: Content(**found[name]) for name in sources}
