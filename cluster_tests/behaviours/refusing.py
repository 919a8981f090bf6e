"""What must be true of an event that the cluster refused, or could not carry out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cluster_tests.behaviours.checking import assert_each_same, assert_nothing_changed, mismatch

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cluster_tests.fronts.ledger import Record
    from cluster_tests.givens.refusals import Look
    from cluster_tests.model import Observation
    from cluster_tests.tenancy.served import Served


class ChangesNothing:
    """All applications are what they were before the event, and a good deploy works."""

    was: Look
    stayed: Look
    expected: Observation
    observed: Observation
    served_meanwhile: Mapping[str, Served]
    written: tuple[Record, ...]

    def should_leave_the_application_as_it_was(self) -> None:
        assert_nothing_changed("the application", self.was.application, self.stayed.application)

    def should_leave_every_other_application_as_it_was(self) -> None:
        assert self.was.others, "there is no other application: nothing would be compared"
        assert self.stayed.others.keys() == self.was.others.keys()
        for name, before in self.was.others.items():
            assert_nothing_changed(name, before, self.stayed.others[name])

    def should_serve_everything_as_before_through_every_node(self) -> None:
        everything = frozenset(record.found for record in self.written)
        nodes = dict.fromkeys(self.expected.nodes)
        refusals = {node: served.refusal for node, served in self.served_meanwhile.items()}
        assert_each_same("write over HTTP, afterwards", nodes, refusals)
        for way in ("records", "files"):
            found = {node: getattr(one, way) for node, one in self.served_meanwhile.items()}
            assert_each_same(f"{way}, afterwards", dict.fromkeys(nodes, everything), found)

    def should_settle_at_the_next_good_deploy(self) -> None:
        assert_nothing_changed("the next good deploy", self.expected, self.observed)


class IsRefused:
    """Every node's agent says once what is wrong."""

    about: str
    complaints: Mapping[str, tuple[str, ...]]

    def should_log_one_clear_error_on_every_node(self) -> None:
        assert self.complaints, "no node was asked for its log"
        unclear = {
            node: errors
            for node, errors in self.complaints.items()
            if len(errors) != 1 or self.about.lower() not in errors[0].lower()
        }
        assert not unclear, "\n".join(
            mismatch(node, "errors", f"one, about {self.about!r}", errors)
            for node, errors in unclear.items()
        )
