"""``cluster-tests doctor`` where nothing answers: it tells, and does not break."""

from __future__ import annotations

import io
import json
import socket
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from rich.console import Console
from typer.testing import CliRunner

from cluster_tests.cli import app
from cluster_tests.doctor.findings import Finding, Outcome
from cluster_tests.doctor.paper import show, summary
from cluster_tests.errors import InventoryError
from cluster_tests.lab.plan import LabPlan

if TYPE_CHECKING:
    from pathlib import Path

FINDINGS = [
    Finding("core1", "login", Outcome.HOLDS),
    Finding("core1", "engine", Outcome.FAILS, "it is off", "switch it on"),
    Finding("core1", "consul", Outcome.NOT_CHECKED, "engine does not hold"),
    Finding("core1", "disks", Outcome.NOT_CHECKED, "engine does not hold"),
    Finding("core2", "engine", Outcome.HOLDS, "26.1"),
    Finding("core2", "may_change", Outcome.NOTE, "no"),
]


@pytest.fixture
def values(tmp_path: Path) -> dict[str, Any]:
    key = tmp_path / "key"
    key.touch(mode=0o600)
    (tmp_path / "known_hosts").touch()
    with socket.create_server(("127.0.0.1", 0)) as sock:
        port = sock.getsockname()[1]  # where nobody listens from here on
    ssh = {"host": "127.0.0.1", "user": "x", "identity_file": "key", "known_hosts": "known_hosts"}
    node = {"ssh": {**ssh, "port": port}, "front": "direct"}
    return {
        "name": "made up",
        "nodes": {name: {"address": address, **node} for name, address in
                  (("core1", "127.0.0.1"), ("core2", "127.0.0.2"))},
        "fronts": {"http": {"name": "h", "port": port}, "https": {"name": "s", "port": port}},
        "forge": {
            "fetch_url": "http://forge/git",
            "push_url": f"http://user:sesame@127.0.0.1:{port}/git",
            "registry": "forge:5000",
        },
        "deadlines": {"connect": 5, "answer": 5},
    }  # fmt: skip


def run(path: Path, values: dict[str, Any], *arguments: str) -> Any:  # noqa: ANN401 - typer's
    path.write_text(yaml.safe_dump(values))
    return CliRunner().invoke(app, ["doctor", "--inventory", str(path), *arguments])


def test_nodes_that_are_down_cost_their_own_part_alone(
    tmp_path: Path, values: dict[str, Any]
) -> None:
    (tmp_path / "key").write_text("no key")
    (tmp_path / "key").chmod(0o600)
    done = run(tmp_path / "inventory.yaml", values, "--json")
    assert done.exit_code == 1, done.exception
    told = json.loads(done.stdout)
    assert not told["holds"]
    found = {(each["subject"], each["check"]): each for each in told["findings"]}
    for node in ("core1", "core2"):
        assert found[node, "key"]["outcome"] == "fails"
        assert "ssh-keygen -l" in found[node, "key"]["remedy"]
        assert found[node, "engine"]["outcome"] == "not checked"
        assert found[node, "engine"]["told"] == "key does not hold"
        # These ask past the login.
        assert found[node, "http front"]["outcome"] == "fails"
        assert found[node, "https front"]["outcome"] == "fails"
    assert found["inventory", "may_change"]["told"].startswith("no")
    assert found["forge", "push URL"]["outcome"] == "fails"
    assert found["all nodes", "clocks"]["outcome"] == "not checked"
    assert "sesame" not in done.output


def test_an_inventory_that_is_wrong_is_told_as_an_object_too(
    tmp_path: Path, values: dict[str, Any]
) -> None:
    (tmp_path / "key").chmod(0o644)
    done = run(tmp_path / "inventory.yaml", values, "--json")
    assert isinstance(done.exception, InventoryError)
    assert done.exception.exit_code == 3
    [finding] = json.loads(done.stdout)["findings"]
    assert finding["outcome"] == "fails"
    assert "chmod 600" in finding["told"]


def test_without_inventory_and_lab_it_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLUSTER_TESTS_STATE", str(tmp_path))
    monkeypatch.delenv("CLUSTER_TESTS_INVENTORY", raising=False)
    assert not LabPlan().inventory.exists()
    done = CliRunner().invoke(app, ["doctor"])
    assert isinstance(done.exception, InventoryError)
    assert "cluster-tests lab up" in done.exception.remedy


def test_it_is_told_by_subject_with_what_fails_last() -> None:
    paper = io.StringIO()
    show(Console(file=paper), FINDINGS)
    assert paper.getvalue() == (
        "core1\n"
        "  holds: login\n"
        "  not checked: consul, disks (as engine does not hold)\n"
        "  FAILS: engine: it is off\n"
        "    to mend it: switch it on\n"
        "core2\n"
        "  holds: engine (26.1)\n"
        "  may_change: no\n"
    )
    assert summary(FINDINGS) == "5 checks: 2 hold, 1 fail, 2 could not be made"
