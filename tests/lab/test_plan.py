from pathlib import Path

import pytest

from cluster_tests.errors import UsageError
from cluster_tests.lab.plan import DEFAULT_SUBNET, LabPlan
from cluster_tests.lab.up import cluster_images


def plan(tmp_path: Path, **changes: object) -> LabPlan:
    values: dict[str, object] = {"cluster": tmp_path, "state": tmp_path, "subnet": DEFAULT_SUBNET}
    return LabPlan(**(values | changes))  # type: ignore[arg-type]


def test_every_host_has_an_address_of_its_own(tmp_path: Path) -> None:
    lab = plan(tmp_path)
    addresses = {host: lab.address(host) for host in lab.hosts}
    assert addresses["core1"] == "172.30.77.11"
    assert len(set(addresses.values())) == 5


def test_volumes_of_different_hosts_never_share_a_name(tmp_path: Path) -> None:
    lab = plan(tmp_path)
    names = [name for host in lab.hosts for name in lab.volumes(host)]
    assert len(names) == len(set(names)) == 9


@pytest.mark.parametrize("subnet", ["172.30.77.0/29", "172.30.77.1/24", "nonsense", "::1/64"])
def test_a_subnet_that_cannot_hold_the_lab_is_refused_with_a_remedy(
    tmp_path: Path, subnet: str
) -> None:
    with pytest.raises(UsageError) as refused:
        plan(tmp_path, subnet=subnet)
    assert "CLUSTER_TESTS_SUBNET=" in refused.value.remedy


def test_the_state_directory_follows_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLUSTER_TESTS_STATE", str(tmp_path / "elsewhere"))
    assert LabPlan(cluster=tmp_path).inventory == tmp_path / "elsewhere" / "inventory.yaml"


def test_only_what_the_compose_project_builds_is_built(tmp_path: Path) -> None:
    (tmp_path / "docker-compose.yml").write_text(
        "services:\n"
        "  consul: {build: ./consul, image: '${REGISTRY}/cluster-consul:latest'}\n"
        "  caddy: {build: {context: caddy}, image: '${REGISTRY}/cluster-caddy'}\n"
        "  other: {image: 'example:1'}\n"
    )
    assert cluster_images(plan(tmp_path)) == {
        "cluster-consul": tmp_path / "consul",
        "cluster-caddy": tmp_path / "caddy",
    }


@pytest.mark.parametrize(
    "text",
    [
        "services: {x: {build: ., image: 'elsewhere/x:latest'}}",
        "services: {x: {build: .}}",
        "services: {x: {build: ., image: '${REGISTRY}/x:2'}}",
        "services: [",
        "volumes: {}",
        "services:",
    ],
)
def test_a_compose_project_that_cannot_be_followed_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "docker-compose.yml").write_text(text)
    with pytest.raises(UsageError):
        cluster_images(plan(tmp_path))


def test_a_directory_without_a_compose_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"docker-compose\.yml"):
        cluster_images(plan(tmp_path))
