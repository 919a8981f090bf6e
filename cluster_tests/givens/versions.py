"""A base context for versions with other volumes: what comes, and what goes."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from cluster_tests.givens.applications import ARunningApplication

if TYPE_CHECKING:
    from cluster_tests.model import Placement


class AnApplicationWithANewVersion(ARunningApplication):
    """Given a running application of which another version, with other volumes, is published.

    ``next_variant`` is that version. ``note_in`` and ``look_in`` are directories of the
    application's container, where a volume is that goes and one that comes.
    """

    next_variant: ClassVar[str]
    note_in: ClassVar[str]
    look_in: ClassVar[str]

    # Full names of the volumes that only one of the versions has; what the volume that came held.
    volumes_added: frozenset[str]
    volumes_removed: frozenset[str]
    listed: str

    def given_a_note_in_the_volume_that_goes_and_another_version(self) -> None:
        """Write a note where it must not be seen again, and push the other version."""
        self._in_application(self.before, "sh", "-c", f"echo note > {self.note_in}/note")
        old = self._volumes()
        self._tenant.publish(self._session.version(self.service, self.next_variant))
        self.volumes_added, self.volumes_removed = self._volumes() - old, old - self._volumes()

    def switch(self) -> None:
        """Switch as ever, and look into the volume that came before anything is written to it."""
        super().switch()
        self.listed = self._in_application(self.after, "ls", "-A", self.look_in)

    def _volumes(self) -> frozenset[str]:
        publication = self._tenant.publication
        prefix = publication.application.volume_prefix
        return frozenset(prefix + volume.name for volume in publication.definition.volumes)

    def _in_application(self, placement: Placement, *command: str) -> str:
        node = self._session.cluster.nodes[placement.master or ""]
        containers = node.engine.containers(self._tenant.application)
        [name] = [each.name for each in containers if each.service == "app"]
        output = node.engine.run(name, command)
        return f"{output.stdout}{output.stderr}".strip()
