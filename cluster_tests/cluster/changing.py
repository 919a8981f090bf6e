"""What a cluster under test can be asked to do: events, flags, snapshots."""

from __future__ import annotations

import json
from functools import partial
from shlex import quote
from typing import TYPE_CHECKING

from cluster_tests.cluster.connected import Connected
from cluster_tests.cluster.replication import replicate
from cluster_tests.errors import NodeError
from cluster_tests.waiting.side_by_side import side_by_side

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cluster_tests.cluster.replication import Replicated
    from cluster_tests.model import Application, Observation, Placement
    from cluster_tests.nodes.node import Engine


class Changing(Connected):
    """Asks for changes; raises ``RefusedError`` when the inventory does not allow any."""

    def deploy(
        self, application: Application, placement: Placement, *, update: bool = False
    ) -> str:
        """Ask for ``placement`` and tell the event's ID, which becomes the deploy's.

        Raises ``RefusedError`` when the inventory does not allow changes, and
        ``EventTooLargeError`` when Consul could not carry the event.
        """
        self.inventory.require_may_change(f"deploy {application} to {placement}")
        event = {
            "repo": application.repo_url,
            "branch": application.branch,
            "master": placement.master,
            "slave": placement.slave,
            "update": update,
        }
        return self._fire("deploy", event)

    def destroy(self, application: Application) -> str:
        """Ask for the application's end and tell the event's ID; raises as ``deploy`` does."""
        self.inventory.require_may_change(f"destroy {application}")
        event = {"repo": application.repo_url, "branch": application.branch}
        return self._fire("destroy", event)

    def migrate(self, source: Application, target: Application, *, update: bool | None) -> str:
        """Ask for the source's data in ``target`` and tell the event's ID; raises as ``deploy``.

        ``update`` None leaves the choice to the cluster.
        """
        self.inventory.require_may_change(f"migrate {source} to {target}")
        event: dict[str, object] = {
            "repo": source.repo_url,
            "branch": source.branch,
            "target": {"repo": target.repo_url, "branch": target.branch},
        }
        if update is not None:
            event["update"] = update
        return self._fire("migrate", event)

    def send(self, name: str, payload: str) -> str:
        """Send any event, well-formed or not, and tell its ID; raises as ``deploy`` does."""
        self.inventory.require_may_change(f"send the event {name}")
        with self.effort.cluster("asking"):
            return self.consul.fire_raw(name, payload)

    def _fire(self, name: str, event: Mapping[str, object]) -> str:
        with self.effort.cluster("asking"):
            return self.consul.fire(name, event)

    def deliver_again(self, event_id: str) -> None:
        """Hand an event over to every node's agent once more, in the way Consul's watch does.

        Raises ``NodeError`` where the agent does not take it.
        """
        self.inventory.require_may_change(f"deliver the event {event_id} again")
        text = json.dumps([self.consul.events()[event_id]])
        calls = {
            name: partial(self._deliver, node.engine, text) for name, node in self.nodes.items()
        }
        side_by_side(self._executor, calls)

    def _deliver(self, engine: Engine, text: str) -> None:
        names = self.inventory.names
        command = f"printf %s {quote(text)} | {names.delivery}"
        done = engine.run_once(names.consul, ["sh", "-c", command])
        if done.exit_code != 0:
            raise NodeError(engine.node, f"{names.delivery}: {done.stderr.strip()}")

    def remove_snapshots(self, application: Application) -> dict[str, list[str]]:
        """Remove what a destroy leaves on the nodes, and tell the snapshots' names by node."""
        self.inventory.require_may_change(f"remove the snapshots of {application}")
        calls = {
            name: partial(node.probe.remove_snapshots, application)
            for name, node in self.nodes.items()
        }
        with self.effort.own("removing snapshots"):
            return side_by_side(self._executor, calls)

    def replicate(self, shown: Observation, master: str) -> dict[str, Replicated]:
        """Send a snapshot of each volume that ``shown`` has on ``master`` to where its jobs say.

        Tells by volume whether it arrived, and restores there to the same content. The snapshots
        stay, as those of the jobs do; nothing else does.
        """
        self.inventory.require_may_change("replicate volumes")
        with self.effort.cluster("replicating"):
            return replicate(self._executor, self.inventory, self.nodes, shown, master)

    def set_maintenance(self, application: Application, *, up: bool) -> None:
        """Raise or lower an application's maintenance flag, as an operator does by hand."""
        self.inventory.require_may_change(f"change the maintenance flag of {application}")
        self.consul.set_maintenance(application, up=up)
