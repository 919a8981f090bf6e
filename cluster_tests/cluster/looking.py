"""What a cluster under test shows, and what its agents tell."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from cluster_tests.cluster.connected import Connected
from cluster_tests.cluster.observing import observe
from cluster_tests.expectation.record import footprint_of
from cluster_tests.nodes.handler_log import errors_of, lines_of
from cluster_tests.waiting.side_by_side import side_by_side

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cluster_tests.model import Application, Footprint, Observation
    from cluster_tests.nodes.probe import Handling

_LOG_LINES = 50


class Looking(Connected):
    """Reads everything, changes nothing."""

    def observe(self, footprint: Footprint) -> Observation:
        """Read everything the cluster shows of one application, side by side."""
        with self.effort.own("observing"):
            return self._observed(footprint)

    def _observed(self, footprint: Footprint) -> Observation:
        return observe(self._executor, self.inventory, self.nodes, self.consul, footprint)

    def observe_others(self, application: Application) -> dict[str, Observation]:
        """Read everything the cluster shows of every other application that has a record."""
        return {
            name: self.observe(footprint_of(record))
            for name, record in self.consul.all_records().items()
            if name != application.name
        }

    def handling(self, event_id: str) -> dict[str, Handling]:
        """Tell how far each node is with an event."""
        calls = {name: partial(node.probe.handling, event_id) for name, node in self.nodes.items()}
        return side_by_side(self._executor, calls)

    def told(self, event_id: str) -> dict[str, tuple[str, ...]]:
        """List all that each node's agent logged for an event."""
        return {node: lines_of(event_id, lines) for node, lines in self._lines(event_id).items()}

    def errors(self, event_id: str) -> dict[str, tuple[str, ...]]:
        """List the errors that each node's agent logged for an event."""
        return {node: errors_of(event_id, lines) for node, lines in self._lines(event_id).items()}

    def objections(self, event_id: str) -> list[str]:
        """Say why the agents did not do what an event asked for, in their own words."""
        return [
            f"{node}'s agent: {error}"
            for node, errors in self.errors(event_id).items()
            for error in errors
        ]

    def _lines(self, event_id: str) -> dict[str, list[str]]:
        calls = {
            name: partial(node.probe.lines_about, event_id) for name, node in self.nodes.items()
        }
        return side_by_side(self._executor, calls)

    def where_to_look(self, nodes: Iterable[str]) -> str:
        """Give the commands that show the agents' logs, one a line."""
        names, paths = self.inventory.names, self.inventory.paths
        return "\n".join(
            f"  {self.inventory.nodes[node].ssh.command} docker exec {names.consul} "
            f"tail -n {_LOG_LINES} {paths.handler_log}   # {node}"
            for node in nodes
        )
