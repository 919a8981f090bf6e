"""``lab down``: power off; with ``purge`` nothing is left of the lab on this machine."""

from __future__ import annotations

import shutil
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING

from docker.errors import NotFound

from cluster_tests.errors import LabError
from cluster_tests.lab.alone import alone
from cluster_tests.lab.engine import connect, translated
from cluster_tests.lab.hosts import stop
from cluster_tests.lab.plan import LABEL, PREFIX, LabPlan
from cluster_tests.lab.provision import host_name

if TYPE_CHECKING:
    from collections.abc import Callable

    from docker import DockerClient
    from docker.models.containers import Container

    from cluster_tests.lab.progress import Progress


def bring_down(plan: LabPlan, progress: Progress, *, purge: bool) -> None:
    """Stop and remove the hosts; volumes, images and keys stay unless ``purge`` is set.

    Nothing that does not carry the lab's name or label is touched. Doing it twice is harmless.
    """
    client = connect()
    with alone(plan.state, progress):
        _power_off(client, progress)
        if purge:
            _purge(client, plan, progress)


def _power_off(client: DockerClient, progress: Progress) -> None:
    containers = client.containers.list(all=True, filters={"label": LABEL})

    def power_off(container: Container) -> None:
        host = host_name(container)
        progress.step(host, "stopping")
        stop(container)
        progress.step(host, "stopped")

    with ThreadPoolExecutor(max(1, len(containers))) as pool:
        list(pool.map(power_off, containers))


def _purge(client: DockerClient, plan: LabPlan, progress: Progress) -> None:
    progress.step("purge", "volumes, network, images, keys")
    with translated("purging the lab"):
        for host in plan.hosts:
            for name in plan.volumes(host):
                _unless_gone(partial(_remove_volume, client, name))
        _unless_gone(lambda: client.networks.get(PREFIX).remove())
        _remove_images(client)
    if plan.state.is_dir():
        shutil.rmtree(plan.state)
    progress.step("purge", "done")


def _remove_images(client: DockerClient) -> None:
    """Remove our images, children first: an image goes with the last one that stands on it.

    Raises LabError when something that is not ours stands on one of them.
    """
    ours = {"label": LABEL}
    images = client.images.list(filters=ours)
    for image in sorted(images, key=lambda image: image.attrs["Created"], reverse=True):
        for name in image.tags or [image.id]:
            _unless_gone(partial(client.images.remove, name))
    if left := client.images.list(filters=ours):
        names = ", ".join(image.tags[0] if image.tags else image.short_id for image in left)
        raise LabError(
            f"images that others stand on are still there: {names}",
            remedy="docker image rm what was built from them, then purge again",
        )


def _remove_volume(client: DockerClient, name: str) -> None:
    client.volumes.get(name).remove(force=True)


def _unless_gone(remove: Callable[[], object]) -> None:
    try:
        remove()
    except NotFound:
        return
