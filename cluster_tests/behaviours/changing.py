"""What becomes of volumes that only one of two versions has."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cluster_tests.behaviours.checking import assert_each_same, master_of, mismatch

if TYPE_CHECKING:
    from cluster_tests.model import Observation, Placement


class ChangesItsVolumes:
    """A volume that the new version has is there and empty; one that it has not is gone."""

    after: Placement
    shown: Observation
    volumes_added: frozenset[str]
    volumes_removed: frozenset[str]
    listed: str

    def should_create_the_volume_that_was_added_on_the_master(self) -> None:
        assert self.volumes_added, "the new version adds no volume: not this behaviour's case"
        [master] = master_of(self.after)
        names = {volume.name for volume in self.shown.nodes[master].volumes}
        assert names >= self.volumes_added, mismatch(
            master, "volumes that were added", self.volumes_added, names & self.volumes_added
        )

    def should_find_the_volume_that_was_added_empty(self) -> None:
        assert not self.listed, mismatch("the new volume", "content", "", self.listed)

    def should_have_removed_the_other_volume_from_every_node(self) -> None:
        assert self.volumes_removed, "no volume was removed: not this behaviour's case"
        found = {
            node: (view.btrfs_volumes | {volume.name for volume in view.volumes})
            & self.volumes_removed
            for node, view in self.shown.nodes.items()
        }
        assert_each_same("volumes removed", dict.fromkeys(found, frozenset()), found)


class SchedulesItsChangedVolumes:
    """A btrfs volume that was added is replicated or kept; one that was removed is forgotten."""

    after: Placement
    shown: Observation
    volumes_added: frozenset[str]
    volumes_removed: frozenset[str]

    def should_schedule_purge_and_copies_of_the_volume_that_was_added(self) -> None:
        [master] = master_of(self.after)
        jobs = {
            (job.volume, job.action.partition(":")[0])
            for job in self.shown.nodes[master].schedules
            if job.volume in self.volumes_added
        }
        copying = "replicate" if self.after.slave else "snapshot"
        expected = {(name, what) for name in self.volumes_added for what in ("purge", copying)}
        assert expected, "the new version adds no volume: not this behaviour's case"
        assert jobs == expected, mismatch(master, "jobs of the volume added", expected, jobs)

    def should_schedule_the_volume_that_was_removed_nowhere(self) -> None:
        assert self.volumes_removed, "no volume was removed: not this behaviour's case"
        found = {
            node: frozenset(job for job in view.schedules if job.volume in self.volumes_removed)
            for node, view in self.shown.nodes.items()
        }
        assert_each_same("jobs of the volume removed", dict.fromkeys(found, frozenset()), found)
