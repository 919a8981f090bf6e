"""``lab up``: from nothing, or from whatever is there, to a cluster that answers."""

from __future__ import annotations

import shutil
import threading
from concurrent.futures import Future, ThreadPoolExecutor, wait
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import yaml

from cluster_tests.errors import LabError, UsageError
from cluster_tests.lab import debian, hosts, provision, written
from cluster_tests.lab.alone import alone
from cluster_tests.lab.engine import connect, translated
from cluster_tests.lab.images import Recipe, build, python_packages
from cluster_tests.lab.keys import generate_keys, host_key
from cluster_tests.lab.plan import FORGE, REGISTRY_PORT, ROOT, LabPlan
from cluster_tests.lab.reach import hindrance
from cluster_tests.lab.registry import Registry

if TYPE_CHECKING:
    from collections.abc import Callable

    from docker import DockerClient
    from docker.models.containers import Container

    from cluster_tests.lab.progress import Progress

_FIXTURES = ROOT / "fixtures"
_NODE_PYTHON = "3.13"
_GIGABYTE = 1 << 30
# What a first `up` writes: images here, the same in four engines, volumes.
_NEEDED_BYTES = 8 * _GIGABYTE
# More builds than cores at once only take memory.
_BUILDS_AT_ONCE = 2
_THREADS = 32

T = TypeVar("T")


def bring_up(plan: LabPlan, progress: Progress, *, tunnel_fronts: bool = False) -> Path:
    """Bring the lab up and return the path of its inventory.

    Whatever exists is used: images, volumes, running hosts. The inventory has the fronts asked
    through the nodes' tunnels where ``tunnel_fronts`` wants it, or this machine cannot reach the
    nodes' own addresses. Raises LabError with the host and the remedy when something does not come
    up.
    """
    cluster_images(plan)
    client = connect()
    with alone(plan.state, progress):
        _check_room(client)
        generate_keys(plan)
        hosts.ensure_network(client, plan)
        with ThreadPoolExecutor(_THREADS) as pool:
            ssh_ports = _Building(client, plan, progress, pool).run()
            direct = not tunnel_fronts and _reaches(plan, progress, pool)
            return written.write(plan, ssh_ports, direct=direct)


def _check_room(client: DockerClient) -> None:
    root = Path(client.info()["DockerRootDir"])
    if not root.is_dir():  # the engine lives elsewhere (Docker Desktop): it must look itself
        return
    free = shutil.disk_usage(root).free
    used = sum(
        v["UsageData"]["Size"] for v in client.df()["Volumes"] or [] if "cluster-tests" in v["Name"]
    )
    if free < _NEEDED_BYTES - used:
        raise LabError(
            f"the lab needs {_NEEDED_BYTES >> 30} GB, {root} has {free / _GIGABYTE:.1f} GB free",
            remedy="docker system prune, or move the engine's data-root",
        )


def _reaches(plan: LabPlan, progress: Progress, pool: ThreadPoolExecutor) -> bool:
    """Find out whether all nodes can be reached at their own addresses; tell it."""
    found = pool.map(
        lambda node: hindrance(plan.address(node), host_key(plan.keys, node).public), plan.nodes
    )
    hindrances = [each for each in found if each]
    way = f"through tunnels ({hindrances[0]})" if hindrances else "asked directly"
    progress.step("fronts", way)
    return not hindrances


class _Building:
    """One ``up``: steps that start as soon as what they stand on is there."""

    def __init__(
        self, client: DockerClient, plan: LabPlan, progress: Progress, pool: ThreadPoolExecutor
    ) -> None:
        self._client = client
        self._plan = plan
        self._progress = progress
        self._pool = pool
        self._slots = threading.Semaphore(_BUILDS_AT_ONCE)

    def run(self) -> dict[str, int]:
        """Submit every step and wait for all; give the loopback port of each host's sshd."""
        base = self._submit(self._base)
        forge_image = self._built("forge", base)
        node_image = self._built("node", base)
        forge = self._submit(lambda: self._started(FORGE, forge_image.result()))
        nodes = {
            node: self._submit(partial(self._booted, node, node_image)) for node in self._plan.nodes
        }
        registry = self._submit(lambda: self._registry(forge.result()))
        butter = self._built("buttervolume", base, extra=self._packages)
        plugin = self._submit(lambda: self._plugin(registry.result(), butter.result()))
        images = self._pushed(registry, base, butter)
        ready = [
            self._submit(partial(self._provision, node, container, plugin, images))
            for node, container in nodes.items()
        ]
        _all(ready)
        first = self._plan.nodes[0]
        self._progress.step("consul", "waiting for its leader")
        provision.wait_for_leader(nodes[first].result(), first, self._plan.nodes)
        self._progress.step("consul", "ready")
        everyone = {FORGE: forge.result()} | {node: nodes[node].result() for node in nodes}
        return {host: hosts.port(container, 22) for host, container in everyone.items()}

    def _submit(self, work: Callable[[], T]) -> Future[T]:
        return self._pool.submit(work)

    def _base(self) -> str:
        identity = debian.provide(self._client, self._progress)
        extra = {f"apt/{name}": text for name, text in debian.apt_settings().items()}
        extra["apt/.keep"] = b""
        recipe = Recipe("base", _FIXTURES / "base", {"DEBIAN": debian.IMAGE, "ID": identity}, extra)
        return build(self._client, recipe, self._progress)

    def _packages(self) -> dict[str, bytes]:
        wanted = _FIXTURES / "buttervolume" / "requirements.txt"
        return python_packages(wanted, self._plan.state / "python", _NODE_PYTHON)

    def _built(
        self,
        name: str,
        base: Future[str],
        extra: Callable[[], dict[str, bytes]] = dict,
    ) -> Future[str]:
        def work() -> str:
            return self._build(Recipe(name, _FIXTURES / name, {"BASE": base.result()}, extra()))

        return self._submit(work)

    def _build(self, recipe: Recipe) -> str:
        with self._slots:
            return build(self._client, recipe, self._progress)

    def _started(self, host: str, image: str) -> Container:
        container = hosts.create(self._client, self._plan, host, image)
        container.reload()
        if container.status != "running":
            self._progress.step(host, "starting")
            with translated(f"{host}: starting"):
                container.start()
        if host == FORGE:
            self._progress.step(host, "ready")
        return container

    def _booted(self, node: str, image: Future[str]) -> Container:
        container = self._started(node, image.result())
        provision.wait_for_engine(container, node)
        self._progress.step(node, "engine ready")
        return container

    def _registry(self, forge: Container) -> Registry:
        return Registry(self._client, hosts.port(forge, REGISTRY_PORT), self._progress)

    def _plugin(self, registry: Registry, butter: str) -> str:
        settings = (_FIXTURES / "buttervolume" / "config.json").read_bytes()
        return registry.push_plugin(butter, settings)

    def _pushed(
        self, registry: Future[Registry], base: Future[str], butter: Future[str]
    ) -> list[Future[tuple[str, str]]]:
        """Build and push the images of the cluster under test and of the services."""

        def work(name: str, directory: Path, *, on_butter: bool) -> tuple[str, str]:
            arguments = {"BASE": base.result()}
            if on_butter:
                arguments["BUTTERVOLUME"] = butter.result()
            tag = self._build(Recipe(name, directory, arguments))
            return registry.result().push(tag, name), str(self._client.images.get(tag).id)

        futures = [
            self._submit(partial(work, name, directory, on_butter=True))
            for name, directory in cluster_images(self._plan).items()
        ]
        for service in self._plan.services:
            for directory in sorted(service.glob("images/*")):
                name = f"{service.name}-{directory.name}"
                futures.append(self._submit(partial(work, name, directory, on_butter=False)))
        return futures

    def _provision(
        self,
        node: str,
        container: Future[Container],
        plugin: Future[str],
        images: list[Future[tuple[str, str]]],
    ) -> None:
        host = container.result()
        reference = plugin.result()
        self._progress.step(node, "volume plugin")
        provision.install_plugin(host, reference)
        wanted = dict(image.result() for image in images)
        self._progress.step(node, "images")
        provision.pull(host, wanted)
        self._progress.step(node, "cluster")
        provision.start_cluster(host, node, self._plan)
        self._progress.step(node, "ready")


def cluster_images(plan: LabPlan) -> dict[str, Path]:
    """Return what the cluster's compose project builds: image name to directory.

    Raises UsageError when the compose file is missing or cannot be followed.
    """
    try:
        services = yaml.safe_load(plan.compose_file.read_text())["services"]
        built = {name: settings for name, settings in services.items() if "build" in settings}
    except (OSError, yaml.YAMLError, AttributeError, KeyError, TypeError) as error:
        raise UsageError(
            f"{plan.compose_file} is no compose file: {error}",
            remedy="name the directory of a compose project that keeps docs/contract.md",
        ) from error
    images = {}
    for service, settings in built.items():
        build = settings["build"]
        context = build if isinstance(build, str) else build["context"]
        image = settings.get("image", "")
        name = image.removeprefix("${REGISTRY}/").removesuffix(":latest")
        if not image.startswith("${REGISTRY}/") or ":" in name:
            raise UsageError(
                f"{plan.compose_file}: {service} is built, but not as ${{REGISTRY}}/NAME:latest",
                remedy=f'write image: "${{REGISTRY}}/cluster-{service}:latest"',
            )
        images[name] = plan.cluster / context
    return images


def _all(steps: list[Future[None]]) -> None:
    """Wait for every step; raise the first error in the order of the steps."""
    wait(steps)
    for step in steps:
        step.result()
