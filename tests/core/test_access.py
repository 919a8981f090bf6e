"""Where sockets may lie, and what becomes of paths that are too long for them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from cluster_tests.errors import NodeError
from cluster_tests.session.access import consul_socket_forward, sockets_directory
from cluster_tests.session.links import Links

if TYPE_CHECKING:
    from cluster_tests.inventory.entries import Inventory

pytest_plugins = ["core_fixtures"]


@pytest.fixture
def runtime(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    directory = tmp_path / "runtime"
    directory.mkdir(mode=0o700)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(directory))
    return directory


def parent_of_a_directory() -> Path:
    with sockets_directory() as directory:
        assert Path(directory).stat().st_mode & 0o777 == 0o700
        return Path(directory).parent


def test_sockets_lie_in_the_users_runtime_directory(runtime: Path) -> None:
    assert parent_of_a_directory() == runtime


@pytest.mark.parametrize("fault", ["open to others", "missing", "a link", "a file", "relative"])
def test_sockets_lie_elsewhere_where_that_directory_will_not_do(
    runtime: Path, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    if fault == "open to others":
        runtime.chmod(0o750)
    elif fault == "relative":
        monkeypatch.chdir(runtime.parent)
        monkeypatch.setenv("XDG_RUNTIME_DIR", runtime.name)
    else:
        moved = runtime.rename(runtime.with_name("moved"))
        if fault == "a link":
            runtime.symlink_to(moved)
        elif fault == "a file":
            runtime.touch(mode=0o600)
    assert parent_of_a_directory() not in {runtime, runtime.with_name("moved"), Path(runtime.name)}


def test_a_directory_too_long_for_sockets_is_told_and_not_left(
    runtime: Path, monkeypatch: pytest.MonkeyPatch, inventory: Inventory
) -> None:
    deep = runtime / ("d" * 90)
    deep.mkdir(mode=0o700)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(deep))
    with pytest.raises(NodeError, match=r"core1: .* bytes; a UNIX socket's path has at most 107"):
        Links(inventory)
    assert list(deep.iterdir()) == []


def test_consul_may_come_out_as_a_socket(inventory: Inventory, tmp_path: Path) -> None:
    forward = consul_socket_forward(inventory, tmp_path)
    assert (forward.remote_host, forward.remote_port) == ("127.0.0.1", 8500)
    assert forward.local_path.parent == tmp_path
