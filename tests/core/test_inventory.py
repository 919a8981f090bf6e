from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import yaml

from cluster_tests.errors import InventoryError, RefusedError
from cluster_tests.inventory.file import load_inventory
from cluster_tests.model import Kind

if TYPE_CHECKING:
    from pathlib import Path

    from cluster_tests.inventory.entries import Inventory

pytest_plugins = ["core_fixtures"]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "inventory.yaml"


def problems(path: Path, values: object) -> list[str]:
    path.write_text(yaml.safe_dump(values, sort_keys=False))
    with pytest.raises(InventoryError) as raised:
        load_inventory(path)
    return [line.split(": ", 1)[1] for line in raised.value.message.splitlines()[1:]]


def test_defaults_are_the_contracts(inventory: Inventory) -> None:
    assert inventory.consul.port == 8500
    assert inventory.names.containers == (
        "cluster_consul_1",
        "cluster_haproxy_1",
        "cluster_caddy_1",
    )
    assert inventory.names.volume_driver == "anybox/buttervolume:latest"
    assert inventory.schedules.purge_pattern == "1h:1d:1w:4w:1y"
    assert inventory.nodes["core1"].front == "tunnel"
    assert str(inventory.paths.deploy) == "/deploy"


def test_nodes_keep_the_files_order_and_cannot_be_changed(inventory: Inventory) -> None:
    assert inventory.node_names == ("core1", "core2", "core3", "core4")
    with pytest.raises(TypeError):
        inventory.nodes["core5"] = inventory.nodes["core1"]  # type: ignore[index]


def test_paths_are_relative_to_the_file(inventory: Inventory, tmp_path: Path) -> None:
    assert inventory.nodes["core2"].ssh.identity_file == tmp_path / "key"


def test_ports_are_a_range_with_both_ends(path: Path, inventory_values: dict[str, Any]) -> None:
    inventory_values["applications"] = {"ports": "2300-2301"}
    path.write_text(yaml.safe_dump(inventory_values))
    assert list(load_inventory(path).applications.ports) == [2300, 2301]


def test_every_problem_is_reported_at_once_with_its_place(
    path: Path, inventory_values: dict[str, Any], tmp_path: Path
) -> None:
    (tmp_path / "open").write_text("a key")
    (tmp_path / "open").chmod(0o644)
    nodes = inventory_values["nodes"]
    nodes["core2"]["ssh"]["port"] = 0
    nodes["core2"]["ssh"]["prot"] = 22
    nodes["core3"]["ssh"]["identity_file"] = "nowhere"
    nodes["core3"]["adress"] = "x"
    nodes["core4"]["ssh"]["identity_file"] = "open"
    nodes["core4"]["address"] = "10.0.0.1"
    nodes["Core_5"] = nodes.pop("core1") | {"address": "10.0.0.1"}
    inventory_values["aplications"] = {}
    inventory_values["applications"] = {"ports": "9-1"}
    del inventory_values["forge"]["registry"]
    found = problems(path, inventory_values)
    places = {line.split(": ")[0]: line for line in found}
    assert set(places) == {
        "nodes.core2.ssh.port",
        "nodes.core2.ssh.prot",
        "nodes.core3.ssh.identity_file",
        "nodes.core3.adress",
        "nodes.core4.ssh.identity_file",
        "nodes.Core_5.address",
        "nodes.Core_5",
        "aplications",
        "applications.ports",
        "forge.registry",
    }
    assert "did you mean 'port'?" in places["nodes.core2.ssh.prot"]
    assert "did you mean 'address'?" in places["nodes.core3.adress"]
    assert "did you mean 'applications'?" in places["aplications"]
    assert f"chmod 600 {tmp_path / 'open'}" in places["nodes.core4.ssh.identity_file"]
    assert "10.0.0.1 is the address of core4 already" in places["nodes.Core_5.address"]
    assert "missing" in places["forge.registry"]


def test_a_problem_names_its_line(path: Path, inventory_values: dict[str, Any]) -> None:
    inventory_values["may_change"] = "yes, please"
    path.write_text(yaml.safe_dump(inventory_values, sort_keys=False))
    line = path.read_text().splitlines().index("may_change: yes, please") + 1
    with pytest.raises(InventoryError, match=f"line {line}: may_change: "):
        load_inventory(path)


def test_one_node_is_no_cluster(path: Path, inventory_values: dict[str, Any]) -> None:
    inventory_values["nodes"] = {"core1": inventory_values["nodes"]["core1"]}
    assert any("nodes" in line and "2" in line for line in problems(path, inventory_values))


def test_a_key_given_twice_is_refused(path: Path, inventory_values: dict[str, Any]) -> None:
    path.write_text(yaml.safe_dump(inventory_values) + "name: again\n")
    with pytest.raises(InventoryError, match="name: given again on line"):
        load_inventory(path)


def test_values_are_taken_as_they_are_written(path: Path, inventory_values: dict[str, Any]) -> None:
    inventory_values["may_change"] = 1
    inventory_values["consul"] = {"port": "8500"}
    assert [line.split(": ")[0] for line in problems(path, inventory_values)] == [
        "may_change",
        "consul.port",
    ]


def test_a_missing_file_is_named(path: Path) -> None:
    with pytest.raises(InventoryError, match=f"there is no inventory {path}"):
        load_inventory(path)


def test_malformed_yaml_is_reported_with_its_line(path: Path) -> None:
    path.write_text("name: x\nnodes: [\n")
    with pytest.raises(InventoryError, match="line 3: not YAML") as raised:
        load_inventory(path)
    assert raised.value.remedy


@pytest.mark.parametrize("text", ["", "- a\n", "only words\n"])
def test_a_file_that_is_no_mapping_is_refused(path: Path, text: str) -> None:
    path.write_text(text)
    with pytest.raises(InventoryError, match="expected a mapping"):
        load_inventory(path)


def test_change_has_to_be_allowed(path: Path, inventory_values: dict[str, Any]) -> None:
    del inventory_values["may_change"]
    path.write_text(yaml.safe_dump(inventory_values))
    inventory = load_inventory(path)
    with pytest.raises(RefusedError, match="destroy: the inventory of cluster made up") as raised:
        inventory.require_may_change("destroy")
    assert "may_change: true" in raised.value.remedy


def test_budgets_that_are_not_named_keep_their_defaults(
    path: Path, inventory_values: dict[str, Any]
) -> None:
    inventory_values["budgets"] = {"swap": 4, "keep-slave": 2.5}
    path.write_text(yaml.safe_dump(inventory_values))
    budgets = load_inventory(path).budgets
    assert (budgets[Kind.SWAP], budgets[Kind.KEEP_SLAVE]) == (4.0, 2.5)
    assert budgets[Kind.MOVE_PAIR] == 30.0
    assert Kind.DEPLOY_PAIR not in budgets
    assert Kind.DESTROY_ALONE not in budgets


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"swop": 4}, "not swop: 4"),
        ({"deploy-pair": 4}, "not deploy-pair: 4"),
        ({"swap": "4"}, "not swap: '4'"),
        ({"swap": 0}, "not swap: 0"),
        ({"swap": True}, "not swap: True"),
        (5, "expected kinds of switches, each with seconds"),
    ],
)
def test_budgets_are_seconds_for_kinds_that_have_an_outage(
    path: Path, inventory_values: dict[str, Any], given: object, said: str
) -> None:
    inventory_values["budgets"] = given
    [problem] = problems(path, inventory_values)
    assert problem.startswith("budgets: ")
    assert said in problem
