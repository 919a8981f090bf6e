"""Applications side by side: what happens to one of them is nobody else's business."""

from __future__ import annotations

from cluster_tests.behaviours.checking import assert_nothing_changed
from cluster_tests.givens.neighbours import SideBySide
from cluster_tests.model import Placement


class WhenOneOfFourApplicationsIsSwitched(SideBySide):
    """move-pair: core1/core2 => core3/core4"""

    before = Placement("core1", "core2")
    after = Placement("core3", "core4")
    others = (
        Placement("core2", "core3"),
        Placement("core3", "core4"),
        Placement("core4", "core1"),
    )

    def because_one_is_switched_while_the_others_are_asked(self) -> None:
        self._switch_one()

    def should_answer_every_request_of_the_others(self) -> None:
        assert not self.failures, "\n".join(str(failure) for failure in self.failures)

    def should_have_asked_each_of_the_others_through_every_node_meanwhile(self) -> None:
        assert len(self.expected_askings) == 3 * 4
        idle = {pair for pair in self.expected_askings if not self.asked_meanwhile[pair]}
        assert not idle, f"not asked during the switch: {idle}"

    def should_leave_the_others_as_they_were(self) -> None:
        assert self.others_after.keys() == self.others_before.keys() == set(self.others)
        for at, before in self.others_before.items():
            assert_nothing_changed(f"the one at {at}", before, self.others_after[at])
