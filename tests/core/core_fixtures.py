"""An inventory of four nodes, and servers that stand in for those behind it.

Named in each test file's ``pytest_plugins``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import yaml
from http_doubles import HttpOverUnix, serving

from cluster_tests.inventory.file import load_inventory
from cluster_tests.nodes.node import Engine

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from cluster_tests.inventory.entries import Inventory


@pytest.fixture
def inventory_values(tmp_path: Path) -> dict[str, Any]:
    (tmp_path / "key").write_text("a key")
    (tmp_path / "key").chmod(0o600)
    (tmp_path / "known_hosts").write_text("")
    ssh = {
        "host": "127.0.0.1",
        "user": "core",
        "identity_file": "key",
        "known_hosts": "known_hosts",
    }
    return {
        "name": "made up",
        "may_change": True,
        "nodes": {
            f"core{n}": {"address": f"10.0.0.{n}", "ssh": {**ssh, "port": 22000 + n}}
            for n in range(1, 5)
        },
        "forge": {
            "fetch_url": "http://forge/git",
            "push_url": "ssh://git@127.0.0.1:22005/srv/git",
            "registry": "forge:5000",
        },
    }


@pytest.fixture
def inventory(tmp_path: Path, inventory_values: dict[str, Any]) -> Inventory:
    path = tmp_path / "inventory.yaml"
    path.write_text(yaml.safe_dump(inventory_values))
    return load_inventory(path)


@pytest.fixture
def http_over_unix(tmp_path: Path) -> Iterator[HttpOverUnix]:
    with serving(HttpOverUnix(tmp_path / "http.sock")) as server:
        yield server


@pytest.fixture
def engine(http_over_unix: HttpOverUnix) -> Iterator[Engine]:
    http_over_unix.answers["GET /version"] = (200, {"ApiVersion": "1.41", "Version": "20"})
    engine = Engine("core3", http_over_unix.path, 2)
    engine.open()
    yield engine
    engine.close()
