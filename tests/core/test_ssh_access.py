from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from cluster_tests.errors import InventoryError, NodeError
from cluster_tests.inventory.file import load_inventory
from cluster_tests.session.links import Links

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from cluster_tests.inventory.entries import Inventory
    from tunnels import Target

pytest_plugins = ["core_fixtures"]

CONFIG = """\
Host core?
  HostName 10.1.0.1
  User operator
  Port 2222
  UserKnownHostsFile {directory}/known_hosts
  ConnectTimeout 4
  ProxyJump jump
Host *
  IdentityFile {directory}/key
"""


@pytest.fixture(autouse=True)
def agent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)


@pytest.fixture
def values(inventory_values: dict[str, Any], tmp_path: Path) -> dict[str, Any]:
    """An inventory whose first node is described by an ssh_config."""
    (tmp_path / "config").write_text(CONFIG.format(directory=tmp_path))
    inventory_values["nodes"]["core1"]["ssh"] = {"host": "core1", "config": "config"}
    return inventory_values


@pytest.fixture
def load(tmp_path: Path) -> Callable[[dict[str, Any]], Inventory]:
    def write_and_load(values: dict[str, Any]) -> Inventory:
        path = tmp_path / "inventory.yaml"
        path.write_text(yaml.safe_dump(values, sort_keys=False))
        return load_inventory(path)

    return write_and_load


def target(inventory: Inventory, node: str = "core1") -> Target:
    """Give the target that the suite opens a tunnel to."""
    links = Links(inventory)
    links.close()
    return links._group[node].target


def problems(load: Callable[[dict[str, Any]], Inventory], values: dict[str, Any]) -> list[str]:
    with pytest.raises(InventoryError) as raised:
        load(values)
    return [line.split(": ", 1)[1] for line in raised.value.message.splitlines()[1:]]


def test_without_a_config_the_entry_says_all(
    load: Callable[[dict[str, Any]], Inventory], inventory_values: dict[str, Any], tmp_path: Path
) -> None:
    inventory_values["deadlines"] = {"connect": 7}
    found = target(load(inventory_values))
    assert str(found) == "core@127.0.0.1:22001"
    assert found.identity_files == (tmp_path / "key",)
    assert found.known_hosts_files == (tmp_path / "known_hosts",)
    assert (found.connect_timeout, found.agent, found.accept_new) == (7, None, False)


def test_with_a_config_the_entry_says_the_rest(
    load: Callable[[dict[str, Any]], Inventory], values: dict[str, Any], tmp_path: Path
) -> None:
    found = target(load(values))
    assert str(found) == "operator@10.1.0.1:2222"
    assert str(found.jump).endswith("@jump:22")
    assert found.identity_files == (tmp_path / "key",)
    assert found.known_hosts_files[0] == tmp_path / "known_hosts"
    assert found.connect_timeout == 4


def test_what_the_entry_says_wins(
    load: Callable[[dict[str, Any]], Inventory], values: dict[str, Any], tmp_path: Path
) -> None:
    other = tmp_path / "other"
    other.write_text("a key")
    other.chmod(0o600)
    values["nodes"]["core1"]["ssh"] |= {
        "user": "me",
        "port": 33,
        "identity_file": "other",
        "known_hosts": "new",
        "accept_new": True,
    }
    values["deadlines"] = {"connect": 9}
    found = target(load(values))
    assert str(found) == "me@10.1.0.1:33"
    assert (found.identity_files, found.known_hosts_files) == ((other,), (tmp_path / "new",))
    assert (found.accept_new, found.connect_timeout) == (True, 9)


def test_an_agent_instead_of_a_file(
    load: Callable[[dict[str, Any]], Inventory],
    inventory_values: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ssh = inventory_values["nodes"]["core1"]["ssh"]
    del ssh["identity_file"]
    ssh["agent"] = True
    (problem,) = problems(load, inventory_values)
    assert problem.startswith("nodes.core1.ssh.agent: the variable SSH_AUTH_SOCK is not set")
    monkeypatch.setenv("SSH_AUTH_SOCK", "/run/agent")
    found = target(load(inventory_values))
    assert (found.identity_files, str(found.agent)) == ((), "/run/agent")
    ssh["agent"] = False
    assert problems(load, inventory_values)[0].startswith("nodes.core1.ssh.identity_file: missing")


def test_every_problem_is_told_at_once(
    load: Callable[[dict[str, Any]], Inventory], values: dict[str, Any], tmp_path: Path
) -> None:
    (tmp_path / "lax").write_text("StrictHostKeyChecking no\n")
    (tmp_path / "broken").write_text("Host x\nPrt 22\n")
    nodes = values["nodes"]
    nodes["core1"]["ssh"] |= {"config": "lax", "port": 0}
    nodes["core2"]["ssh"] = {"host": "core2", "config": "broken"}
    nodes["core3"]["ssh"] = {"host": "core3", "confg": "config"}
    nodes["core4"]["ssh"] = {"host": "core4", "config": "nowhere"}
    found = dict(line.split(": ", 1) for line in problems(load, values))
    assert set(found) == {
        "nodes.core1.ssh.port",
        "nodes.core1.ssh.config",
        "nodes.core2.ssh.config",
        "nodes.core3.ssh.confg",
        "nodes.core3.ssh.user",
        "nodes.core3.ssh.known_hosts",
        "nodes.core3.ssh.identity_file",
        "nodes.core4.ssh.config",
    }
    assert (
        "would trust whoever answers; to mend it: say accept-new" in found["nodes.core1.ssh.config"]
    )
    assert "broken: line 2: Bad configuration option: prt" in found["nodes.core2.ssh.config"]
    assert "did you mean 'config'?" in found["nodes.core3.ssh.confg"]
    assert "there is no file" in found["nodes.core4.ssh.config"]


def test_a_new_host_needs_no_known_hosts_file_yet_if_the_entry_says_so(
    load: Callable[[dict[str, Any]], Inventory], inventory_values: dict[str, Any]
) -> None:
    ssh = inventory_values["nodes"]["core1"]["ssh"]
    ssh["known_hosts"] = "new"
    assert problems(load, inventory_values)[0].startswith(
        "nodes.core1.ssh.known_hosts: there is no"
    )
    ssh["accept_new"] = True
    assert target(load(inventory_values)).accept_new


def test_a_config_that_was_spoilt_since_is_told_by_node(
    load: Callable[[dict[str, Any]], Inventory], values: dict[str, Any], tmp_path: Path
) -> None:
    inventory = load(values)
    (tmp_path / "config").write_text("Prt 22\n")
    with pytest.raises(NodeError, match=r"core1: .*Bad configuration option: prt"):
        Links(inventory)


@pytest.mark.parametrize("node", ["core1", "core2"])
def test_the_command_for_people_goes_the_same_way(
    load: Callable[[dict[str, Any]], Inventory], values: dict[str, Any], node: str
) -> None:
    inventory = load(values)
    asked = inventory.nodes[node].ssh.command.replace("ssh ", "ssh -T -G ", 1)
    told = subprocess.run(
        ["sh", "-c", asked], capture_output=True, text=True, check=True, env=os.environ
    )
    said = dict(line.split(" ", 1) for line in told.stdout.splitlines())
    found = target(inventory, node)
    assert (said["hostname"], said["port"], said["user"]) == (
        found.host,
        str(found.port),
        found.user,
    )
    assert said["identityfile"] == str(found.identity_files[0])


def test_the_command_for_people_heeds_nothing_but_the_entry(
    load: Callable[[dict[str, Any]], Inventory], values: dict[str, Any], tmp_path: Path
) -> None:
    node = load(values).nodes["core2"]
    assert node.ssh.words == [
        *("ssh", "-F", "none", "-p", "22002", "-i", f"{tmp_path}/key", "-o", "IdentitiesOnly=yes"),
        *("-o", f'UserKnownHostsFile="{tmp_path}/known_hosts"', "core@127.0.0.1"),
    ]
