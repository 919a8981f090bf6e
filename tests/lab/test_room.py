"""What the machine below the lab may lack: each is said with its remedy."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import docker
import pytest
from docker.errors import APIError, DockerException, NotFound

from cluster_tests.errors import LabError
from cluster_tests.lab import engine, hosts, provision, up
from cluster_tests.lab.plan import DEFAULT_SUBNET, LabPlan

if TYPE_CHECKING:
    from docker import DockerClient
    from docker.models.containers import Container

BOOT = Path(__file__).parents[2] / "fixtures" / "node" / "boot.sh"
GIGABYTE = 1 << 30


# --- the engine


def test_no_engine_is_told_with_the_command_that_starts_one(tmp_path: Path) -> None:
    # The command itself: in this process the library would leave its socket behind.
    environment = {**os.environ, "DOCKER_HOST": f"unix://{tmp_path}/docker.sock"}
    done = subprocess.run(
        [sys.executable, "-c", "from cluster_tests.cli import main; main()", "lab", "up"],
        env={**environment, "CLUSTER_TESTS_STATE": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == LabError.exit_code == 2
    assert "no Docker engine answers" in done.stderr
    assert "to mend it: make engine" in done.stderr


def test_an_engine_that_refuses_us_is_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_arguments: object, **_options: object) -> None:
        # As the library does: what the system said is only inside of what it says itself.
        raise DockerException(f"Error while fetching: {PermissionError(13, 'Permission denied')!r}")

    monkeypatch.setattr(docker, "from_env", refuse)
    with pytest.raises(LabError, match="refuses this user") as raised:
        engine.connect()
    assert "usermod -aG docker" in raised.value.remedy


# --- a node that ends while it boots


class EndedNode:
    name = "cluster-tests-core3"
    status = "exited"

    def __init__(self, code: int) -> None:
        self.attrs = {"State": {"ExitCode": code, "StartedAt": "2026-11-21T15:16:24.010913905Z"}}

    def reload(self) -> None:
        """It stays as it is."""

    def exec_run(self, *_command: object, **_options: object) -> None:
        raise APIError("container is not running")


@pytest.mark.parametrize(
    ("code", "cause", "remedy"),
    [
        (21, "the kernel has no btrfs", "modprobe btrfs"),
        (22, "no loop device is free", "losetup --list"),
        (23, "its btrfs file system does not mount", "lab down --purge"),
        (1, "it ended with 1", "lab logs core3"),
    ],
)
def test_a_node_that_ends_says_why(code: int, cause: str, remedy: str) -> None:
    with pytest.raises(LabError) as raised:
        provision.wait_for_engine(cast("Container", EndedNode(code)), "core3")
    assert raised.value.message == f"core3: {cause}"
    assert remedy in raised.value.remedy


@pytest.mark.parametrize(
    ("kernel", "code"),
    [
        ("mount() { false; }; grep() { false; }; losetup() { :; }", 21),
        ("mount() { false; }; grep() { :; }; losetup() { false; }", 22),
        ("mount() { false; }; grep() { :; }; losetup() { :; }", 23),
        ("mount() { :; }", 0),
    ],
)
def test_a_boot_tells_by_its_exit_code_what_the_kernel_lacks(kernel: str, code: int) -> None:
    functions = BOOT.read_text().partition('say "cgroups')[0]
    assert "attach()" in functions
    script = f"{functions}\n{kernel}\nattach image"
    done = subprocess.run(["bash", "-c", script], capture_output=True, check=False)
    assert done.returncode == code
    assert code == 0 or code in provision._BOOT_FAILURES


# --- network and disk


class TakenNetworks:
    def get(self, _name: str) -> None:
        raise NotFound("no such network")

    def create(self, _name: str, **_options: object) -> None:
        raise APIError("refused", explanation="Pool overlaps with other one on this address space")


def plan(tmp_path: Path) -> LabPlan:
    return LabPlan(cluster=tmp_path, state=tmp_path, subnet=DEFAULT_SUBNET)


def test_a_range_that_is_taken_is_told_with_the_way_to_another(tmp_path: Path) -> None:
    client = cast("DockerClient", SimpleNamespace(networks=TakenNetworks()))
    with pytest.raises(LabError, match=r"172\.30\.77\.0/24.*Pool overlaps") as raised:
        hosts.ensure_network(client, plan(tmp_path))
    assert "CLUSTER_TESTS_SUBNET=" in raised.value.remedy


def test_a_network_of_ours_with_another_range_is_not_replaced(tmp_path: Path) -> None:
    network = SimpleNamespace(attrs={"IPAM": {"Config": [{"Subnet": "172.31.77.0/24"}]}})
    networks = SimpleNamespace(get=lambda _name: network)
    client = cast("DockerClient", SimpleNamespace(networks=networks))
    with pytest.raises(LabError, match=r"is there with 172\.31\.77\.0/24"):
        hosts.ensure_network(client, plan(tmp_path))


def machine(monkeypatch: pytest.MonkeyPatch, root: Path, free: int, used: int) -> DockerClient:
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: SimpleNamespace(free=free))
    volumes: list[dict[str, Any]] = [
        {"Name": "cluster-tests-core1-data", "UsageData": {"Size": used}},
        {"Name": "somebody-elses", "UsageData": {"Size": 100 * GIGABYTE}},
    ]
    return cast(
        "DockerClient",
        SimpleNamespace(info=lambda: {"DockerRootDir": str(root)}, df=lambda: {"Volumes": volumes}),
    )


def test_a_disk_that_is_nearly_full_is_told_before_anything_is_written(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    client = machine(monkeypatch, tmp_path, free=3 * GIGABYTE, used=0)
    with pytest.raises(LabError, match=r"needs 8 GB, .* has 3\.0 GB free") as raised:
        up._check_room(client)
    assert "docker system prune" in raised.value.remedy


def test_what_the_lab_has_written_already_is_room_enough(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    up._check_room(machine(monkeypatch, tmp_path, free=3 * GIGABYTE, used=5 * GIGABYTE))


def test_an_engine_that_lives_elsewhere_looks_itself(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    up._check_room(machine(monkeypatch, tmp_path / "elsewhere", free=0, used=0))
