"""New versions with other volumes: one comes, one goes, the others keep their content."""

from __future__ import annotations

from cluster_tests.behaviours import (
    A_PAIR,
    ALONE,
    ChangesItsVolumes,
    EnduresItsSwitch,
    KeepsItsData,
    SchedulesItsChangedVolumes,
    behaves_like,
)
from cluster_tests.givens.versions import AnApplicationWithANewVersion
from cluster_tests.model import Placement


@behaves_like(
    *A_PAIR, KeepsItsData, EnduresItsSwitch, ChangesItsVolumes, SchedulesItsChangedVolumes
)
class WhenAVolumeIsReplacedWhereThePairStays(AnApplicationWithANewVersion):
    """redeploy-pair: core3/core1 => core3/core1"""

    before = Placement("core3", "core1")
    after = Placement("core3", "core1")

    variant = "with-drafts"
    next_variant = "with-archive"
    note_in, look_in = "/srv/drafts", "/srv/archive"

    def because_we_deploy_the_new_version_on_the_same_pair(self) -> None:
        self.switch()


@behaves_like(
    *A_PAIR, KeepsItsData, EnduresItsSwitch, ChangesItsVolumes, SchedulesItsChangedVolumes
)
class WhenAVolumeIsReplacedWithTheSlave(AnApplicationWithANewVersion):
    """keep-master: core2/core3 => core2/core4"""

    before = Placement("core2", "core3")
    after = Placement("core2", "core4")

    variant = "with-drafts"
    next_variant = "with-archive"
    note_in, look_in = "/srv/drafts", "/srv/archive"

    def because_we_deploy_the_new_version_with_another_slave(self) -> None:
        self.switch()


@behaves_like(
    *A_PAIR, KeepsItsData, EnduresItsSwitch, ChangesItsVolumes, SchedulesItsChangedVolumes
)
class WhenAVolumeIsReplacedWithTheMaster(AnApplicationWithANewVersion):
    """keep-slave: core1/core4 => core3/core4"""

    before = Placement("core1", "core4")
    after = Placement("core3", "core4")

    variant = "with-drafts"
    next_variant = "with-archive"
    note_in, look_in = "/srv/drafts", "/srv/archive"

    def because_we_deploy_the_new_version_on_another_master(self) -> None:
        self.switch()


@behaves_like(
    *A_PAIR, KeepsItsData, EnduresItsSwitch, ChangesItsVolumes, SchedulesItsChangedVolumes
)
class WhenAVolumeIsReplacedAndTheRolesAreSwapped(AnApplicationWithANewVersion):
    """swap: core1/core2 => core2/core1"""

    before = Placement("core1", "core2")
    after = Placement("core2", "core1")

    variant = "with-drafts"
    next_variant = "with-archive"
    note_in, look_in = "/srv/drafts", "/srv/archive"

    def because_we_deploy_the_new_version_with_the_roles_swapped(self) -> None:
        self.switch()


@behaves_like(
    *A_PAIR, KeepsItsData, EnduresItsSwitch, ChangesItsVolumes, SchedulesItsChangedVolumes
)
class WhenAVolumeIsReplacedAndThePairMoves(AnApplicationWithANewVersion):
    """move-pair: core3/core4 => core1/core2"""

    before = Placement("core3", "core4")
    after = Placement("core1", "core2")

    variant = "with-drafts"
    next_variant = "with-archive"
    note_in, look_in = "/srv/drafts", "/srv/archive"

    def because_we_deploy_the_new_version_on_two_other_nodes(self) -> None:
        self.switch()


@behaves_like(*ALONE, KeepsItsData, EnduresItsSwitch, ChangesItsVolumes, SchedulesItsChangedVolumes)
class WhenAVolumeIsReplacedAndTheSlaveGoes(AnApplicationWithANewVersion):
    """drop-slave: core4/core1 => core4"""

    before = Placement("core4", "core1")
    after = Placement("core4")

    variant = "with-drafts"
    next_variant = "with-archive"
    note_in, look_in = "/srv/drafts", "/srv/archive"

    def because_we_deploy_the_new_version_without_a_slave(self) -> None:
        self.switch()


@behaves_like(
    *A_PAIR, KeepsItsData, EnduresItsSwitch, ChangesItsVolumes, SchedulesItsChangedVolumes
)
class WhenAVolumeIsRenamed(AnApplicationWithANewVersion):
    """gain-slave: core3 => core3/core2"""

    before = Placement("core3")
    after = Placement("core3", "core2")

    variant = "with-drafts"
    next_variant = "with-papers"
    note_in, look_in = "/srv/drafts", "/srv/drafts"

    def because_we_deploy_the_version_with_the_new_name(self) -> None:
        self.switch()


@behaves_like(*ALONE, KeepsItsData, EnduresItsSwitch, ChangesItsVolumes)
class WhenALocalVolumeIsReplacedAndTheMasterMoves(AnApplicationWithANewVersion):
    """move-alone: core2 => core4"""

    before = Placement("core2")
    after = Placement("core4")

    variant = "with-scratch"
    next_variant = "with-spool"
    note_in, look_in = "/srv/scratch", "/srv/spool"

    def because_we_deploy_the_new_version_on_another_master(self) -> None:
        self.switch()
