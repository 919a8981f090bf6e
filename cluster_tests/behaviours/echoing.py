"""What an echo shows, whichever node is asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cluster_tests.behaviours.checking import assert_each_same
from cluster_tests.tenancy.served import Unavailable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cluster_tests.fronts.echo import Shown
    from cluster_tests.model import Observation


class EchoesThroughEveryNode:
    """It answers through every node, with all lines that it acknowledged before."""

    expected: Observation
    shown_through: Mapping[str, Shown | Unavailable]
    kept: tuple[str, ...]

    def should_answer_with_what_it_kept_through_every_node(self) -> None:
        found = {
            node: shown if isinstance(shown, Unavailable) else shown.kept
            for node, shown in self.shown_through.items()
        }
        assert_each_same("lines", dict.fromkeys(self.expected.nodes, self.kept), found)
