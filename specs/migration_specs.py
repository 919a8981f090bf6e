"""Migrations: an application gets the data of another one, which goes on to serve its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cluster_tests.behaviours import behaves_like
from cluster_tests.behaviours.migrating import (
    HandsItsDataOver,
    KeepsItsOwnData,
    LeavesTheSourceAlone,
)
from cluster_tests.behaviours.refusing import IsRefused
from cluster_tests.givens.migrating import AFailingMigration, AMigration
from cluster_tests.model import Placement

if TYPE_CHECKING:
    from collections.abc import Iterator


@behaves_like(LeavesTheSourceAlone, HandsItsDataOver)
class WhenAnApplicationIsMigratedToAnotherMaster(AMigration):
    """The snapshots are sent from one master to the other."""

    before = Placement("core3", "core4")
    source_at = Placement("core1", "core2")

    def because_we_migrate(self) -> None:
        self.migrate()

    def should_run_both_scripts_before_the_containers_start(self) -> None:
        assert self.scripts == (
            f"post_migrate.sh {self.source_arguments} {self.own_arguments} while 0 run",
            f"update.sh {self.own_arguments} while 0 run",
        )


@behaves_like(LeavesTheSourceAlone, HandsItsDataOver)
class WhenAnApplicationIsMigratedOnTheSameMaster(AMigration):
    """Nothing is sent anywhere; and the update script is not asked for."""

    before = Placement("core1", "core3")
    source_at = Placement("core1", "core2")

    def because_we_migrate_without_an_update(self) -> None:
        self.migrate(update=False)

    def should_run_the_migration_s_script_alone(self) -> None:
        assert self.scripts == (
            f"post_migrate.sh {self.source_arguments} {self.own_arguments} while 0 run",
        )


@behaves_like(LeavesTheSourceAlone, KeepsItsOwnData, IsRefused)
class WhenAScriptFailsInAMigration(AFailingMigration):
    """It is reported, and both applications run as they did, each with its own data."""

    before = Placement("core3", "core4")
    source_at = Placement("core1", "core2")

    @classmethod
    def examples_of_scripts(cls) -> Iterator[tuple[str, str]]:
        yield "failing-post-migrate", "post_migrate.sh"
        yield "failing-update", "update.sh"

    def because_we_migrate_to_a_version_whose_script_fails(self, variant: str, script: str) -> None:
        self.deploy_version(variant)
        self.migrate()
        self.about = f"{script} has a bad day"
