"""What one node's Docker engine tells: containers, volumes, images, files."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import docker.errors

from cluster_tests.errors import NodeError
from cluster_tests.model import Container, Volume
from cluster_tests.nodes.shell_files import ShellFiles
from cluster_tests.way import repeated

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cluster_tests.model import Application

PROJECT = "com.docker.compose.project"
SERVICE = "com.docker.compose.service"
_COMPOSE = "com.docker.compose."


@dataclass(frozen=True)
class Plugin:
    """A managed plugin: whether it is enabled, and the digests of what it consists of."""

    enabled: bool
    content: str


class Engine(ShellFiles):
    """Thin readers of one node's engine, on top of what runs processes and reads files there."""

    @repeated
    def version(self) -> dict[str, Any]:
        """Give the engine's version, API and kernel, as the engine names them."""
        with self._translated("asking its version"):
            answer: dict[str, Any] = self._api.version(api_version=False)
            return answer

    @repeated
    def require_running(self, names: Sequence[str]) -> None:
        """Raise ``NodeError`` unless the containers ``names`` run; all that do not are named."""
        with self._translated("listing containers"):
            states = {_name(item): item["State"] for item in self._api.containers(all=True)}
        missing = [name for name in names if states.get(name) != "running"]
        if missing:
            absent = [name for name in missing if name not in states]
            never = f"; there is no {' and no '.join(absent)}" if absent else ""
            raise NodeError(
                self.node,
                f"infrastructure containers do not run: {', '.join(missing)}{never}",
                remedy=_restart(self.node, missing, absent),
            )

    @repeated
    def running(self) -> frozenset[str]:
        """List the names of the containers that run, whoever's they are."""
        with self._translated("listing containers"):
            return frozenset(_name(item) for item in self._api.containers())

    @repeated
    def require_image(self, image: str) -> None:
        """Raise ``NodeError`` unless the engine finds ``image`` at its registry; pulls nothing."""
        with self._translated(f"asking the registry for {image}"):
            self._api.inspect_distribution(image)

    @repeated
    def root_directory(self) -> str:
        """Tell where the engine keeps images and volumes on the node."""
        with self._translated("asking for its directory"):
            return str(self._api.info()["DockerRootDir"])

    @repeated
    def plugin(self, name: str) -> Plugin:
        """Read a managed plugin; raise ``NodeError`` if there is none of that name."""
        with self._translated(f"reading the plugin {name}"):
            found = self._api.inspect_plugin(name)
        layers = found["Config"]["rootfs"]["diff_ids"]
        return Plugin(bool(found["Enabled"]), " ".join(layers))

    @repeated
    def attached(self, network: str) -> frozenset[str] | None:
        """List the containers in a network; None when there is no such network."""
        with self._translated(f"reading the network {network}"):
            # The engine's filter takes a part of a name for the whole.
            found = self._api.networks(names=[network])
            ids = [item["Id"] for item in found if item["Name"] == network]
            if not ids:
                return None
            containers = self._api.inspect_network(ids[0])["Containers"] or {}
        return frozenset(item["Name"] for item in containers.values())

    @repeated
    def containers(self, application: Application) -> frozenset[Container]:
        """List the application's containers, stopped ones included."""
        with self._translated("listing containers"):
            labels = {"label": f"{PROJECT}={application.project}"}
            found = self._api.containers(all=True, filters=labels)
        return frozenset(
            Container(item["Labels"].get(SERVICE, ""), _name(item), item["State"], item["Image"])
            for item in found
        )

    @repeated
    def volumes(self, application: Application) -> frozenset[Volume]:
        """List the volumes that start with the application's prefix, labels less compose's own.

        The engine only warns when a volume plugin does not answer, and leaves its volumes out:
        that would be a volume less where there is none, so it is an error here.
        """
        with self._translated("listing volumes"):
            answer = self._api.volumes(filters={"name": application.volume_prefix})
        if answer.get("Warnings"):
            raise NodeError(
                self.node,
                f"the engine does not see all volumes: {'; '.join(answer['Warnings'])}",
                remedy=f"on {self.node}: docker plugin ls, and enable the volume plugin",
            )
        return frozenset(
            Volume(item["Name"], item["Driver"], _own_labels(item["Labels"]))
            for item in answer["Volumes"] or ()
            if item["Name"].startswith(application.volume_prefix)
        )

    @repeated
    def images(self) -> frozenset[str]:
        """List the tags of the node's images."""
        with self._translated("listing images"):
            return frozenset(tag for image in self._api.images() for tag in image["RepoTags"] or ())

    @repeated
    def image_of(self, container: str) -> str:
        """Tell the image that a container was made from."""
        with self._translated(f"inspecting {container}"):
            image: str = self._api.inspect_container(container)["Config"]["Image"]
            return image

    def remove_volume(self, name: str) -> None:
        """Remove a volume, whatever its driver; raise ``NodeError`` if it is not there."""
        # The second time it may be gone because the first request has arrived.
        self.way.repeat(
            lambda: self._remove_volume(name), again=lambda: self._remove_volume(name, gone=True)
        )

    def _remove_volume(self, name: str, *, gone: bool = False) -> None:
        with self._translated(f"removing the volume {name}"):
            try:
                self._api.remove_volume(name)
            except docker.errors.NotFound:
                if not gone:
                    raise


def _restart(node: str, missing: Sequence[str], absent: Sequence[str]) -> str:
    if absent:
        return (
            f"on {node}: docker ps --all, then start the infrastructure's compose project, or "
            "correct 'names' in the inventory"
        )
    return f"on {node}: docker start {' '.join(missing)}"


def _name(item: dict[str, Any]) -> str:
    # A linked container has several names; its own has one slash, the leading one.
    return next((n.lstrip("/") for n in item["Names"] if n.count("/") == 1), "")


def _own_labels(labels: dict[str, str] | None) -> tuple[tuple[str, str], ...]:
    return tuple(sorted((k, v) for k, v in (labels or {}).items() if not k.startswith(_COMPOSE)))
