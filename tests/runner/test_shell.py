"""``cluster-tests shell``: ssh goes where the suite goes, and is as strict."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from typer.testing import CliRunner

from cluster_tests.bench.sshd import Sshd, make_key
from cluster_tests.cli import app
from cluster_tests.errors import HarnessError, InventoryError, LabError, UsageError
from cluster_tests.lab import status

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

OF_SSH = 255  # ssh(1): "or with 255 if an error occurred"
# Without it, ssh would ask on the terminal, and somebody in a hurry would say yes.
STRICT = "you have requested strict checking"


@pytest.fixture
def sshd(tmp_path: Path) -> Iterator[Sshd]:
    server = Sshd(tmp_path)
    server.known_hosts = tmp_path / "known hosts"  # a name that must be quoted
    server.know(server.host_keys[0])
    with server:
        yield server


@pytest.fixture
def values(sshd: Sshd) -> dict[str, Any]:
    ssh = {"host": sshd.address, "port": sshd.port, "user": sshd.user,
           "identity_file": str(sshd.identity), "known_hosts": str(sshd.known_hosts)}  # fmt: skip
    return {
        "name": "made up",
        "nodes": {f"core{n}": {"address": f"10.0.0.{n}", "ssh": dict(ssh)} for n in (1, 2)},
        "forge": {"fetch_url": "http://forge/git", "push_url": "http://forge/git",
                  "registry": "forge:5000"},
    }  # fmt: skip


def written(directory: Path, values: dict[str, Any]) -> Path:
    path = directory / "inventory.yaml"
    path.write_text(yaml.safe_dump(values))
    return path


def log_in(
    path: Path, told: str = "", *, node: str = "core1", **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run the command itself: it becomes ssh."""
    program = "from cluster_tests.cli import main; main()"
    return subprocess.run(
        [sys.executable, "-c", program, "shell", node, "--inventory", str(path)],
        env=os.environ | environment,
        input=told,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_it_is_the_nodes_own_shell(tmp_path: Path, values: dict[str, Any]) -> None:
    done = log_in(written(tmp_path, values), 'echo "from port ${SSH_CONNECTION##* }"; exit 7\n')
    assert f"from port {values['nodes']['core1']['ssh']['port']}" in done.stdout.splitlines()
    assert done.returncode == 7


def test_a_host_that_is_not_known_is_refused(
    tmp_path: Path, sshd: Sshd, values: dict[str, Any]
) -> None:
    sshd.know()
    done = log_in(written(tmp_path, values), "echo in\n")
    assert (done.returncode, done.stdout) == (OF_SSH, "")
    assert STRICT in done.stderr


def test_a_new_host_is_accepted_where_the_inventory_says_so(
    tmp_path: Path, sshd: Sshd, values: dict[str, Any]
) -> None:
    sshd.know()
    values["nodes"]["core1"]["ssh"]["accept_new"] = True
    done = log_in(written(tmp_path, values), "echo in\n")
    assert done.returncode == 0, done.stderr
    assert "in" in done.stdout.splitlines()
    assert sshd.known_hosts.read_text()


def test_another_key_than_the_known_one_is_refused_in_any_case(
    tmp_path: Path, sshd: Sshd, values: dict[str, Any]
) -> None:
    sshd.know(make_key(tmp_path / "another"))
    values["nodes"]["core1"]["ssh"]["accept_new"] = True
    done = log_in(written(tmp_path, values), "echo in\n")
    assert (done.returncode, done.stdout) == (OF_SSH, "")
    assert "IDENTIFICATION HAS CHANGED" in done.stderr


@pytest.mark.parametrize(("word", "code"), [("ask", OF_SSH), ("accept-new", 0)])
def test_an_ssh_config_says_how_strict(
    tmp_path: Path, sshd: Sshd, values: dict[str, Any], word: str, code: int
) -> None:
    sshd.know()
    config = tmp_path / "config"
    config.write_text(
        f"Host core1\n HostName {sshd.address}\n Port {sshd.port}\n User {sshd.user}\n"
        f' IdentityFile "{sshd.identity}"\n UserKnownHostsFile "{sshd.known_hosts}"\n'
        f" StrictHostKeyChecking {word}\n"
    )
    values["nodes"]["core1"]["ssh"] = {"host": "core1", "config": str(config)}
    done = log_in(written(tmp_path, values), "exit 0\n")
    assert done.returncode == code, done.stderr
    assert (STRICT in done.stderr) == (code == OF_SSH)
    assert bool(sshd.known_hosts.read_text()) == (code == 0)


def test_a_node_that_is_not_there_is_told_with_those_that_are(
    tmp_path: Path, values: dict[str, Any]
) -> None:
    done = log_in(written(tmp_path, values), node="core9")
    assert done.returncode == UsageError.exit_code == 3
    assert "the inventory has no node 'core9'" in done.stderr
    assert "one of: core1, core2" in done.stderr


def test_no_ssh_client_is_told(tmp_path: Path, values: dict[str, Any]) -> None:
    done = log_in(written(tmp_path, values), PATH=str(tmp_path))
    assert done.returncode == HarnessError.exit_code == 2
    assert "apt-get install openssh-client" in done.stderr


def test_no_inventory_is_told_and_no_lab_is_brought_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLUSTER_TESTS_STATE", str(tmp_path))
    monkeypatch.delenv("CLUSTER_TESTS_INVENTORY", raising=False)
    result = CliRunner().invoke(app, ["shell", "core1"])
    assert isinstance(result.exception, InventoryError)
    assert "neither an inventory nor a local lab" in str(result.exception)


def test_a_node_of_the_lab_that_does_not_run_is_told(
    tmp_path: Path, values: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    written(tmp_path, values)
    monkeypatch.setenv("CLUSTER_TESTS_STATE", str(tmp_path))
    monkeypatch.setattr(os, "execv", None)  # this process must not become ssh in any case
    monkeypatch.setattr(status, "connect", lambda: None)
    monkeypatch.setattr(status, "find", lambda _client, _name: None)
    result = CliRunner().invoke(app, ["lab", "shell", "core2"])
    assert isinstance(result.exception, LabError)
    assert "core2: it does not run" in str(result.exception)
