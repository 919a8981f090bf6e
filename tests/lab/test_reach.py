"""Whether a lab host is reached at its own address; a real sshd stands in for it."""

from __future__ import annotations

import socket
import threading
from typing import TYPE_CHECKING

import pytest

from cluster_tests.bench.sshd import Sshd, free_port, make_key, public_part
from cluster_tests.inventory.file import load_inventory
from cluster_tests.lab import written
from cluster_tests.lab.keys import generate_keys
from cluster_tests.lab.plan import LabPlan
from cluster_tests.lab.reach import hindrance

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LOOPBACK = "127.0.0.1"


@pytest.fixture
def sshd(tmp_path: Path) -> Iterator[Sshd]:
    with Sshd(tmp_path) as server:
        yield server


def test_who_shows_the_host_s_key_is_the_host(sshd: Sshd) -> None:
    assert hindrance(LOOPBACK, public_part(sshd.host_keys[0]), sshd.port) is None


def test_who_shows_another_key_is_somebody_else(sshd: Sshd, tmp_path: Path) -> None:
    own = public_part(make_key(tmp_path / "own"))
    shown = public_part(sshd.host_keys[0])
    assert hindrance(LOOPBACK, own, sshd.port) == f"{LOOPBACK}: somebody else's host key, {shown}"


def test_where_nobody_listens_there_is_no_host() -> None:
    found = hindrance(LOOPBACK, "ssh-ed25519 AAAA", free_port())
    assert found is not None
    assert "Connection refused" in found


@pytest.mark.parametrize("words", [b"", b"SSH-2.0-nobody\r\n"])
def test_who_hangs_up_is_no_host(words: bytes) -> None:
    with socket.create_server((LOOPBACK, 0)) as listener:

        def hang_up() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.sendall(words)

        greeter = threading.Thread(target=hang_up, daemon=True)
        greeter.start()
        found = hindrance(LOOPBACK, "ssh-ed25519 AAAA", listener.getsockname()[1])
        greeter.join()
    assert found is not None
    assert found.startswith(f"{LOOPBACK}: ")


@pytest.mark.parametrize(("direct", "front"), [(True, "direct"), (False, "tunnel")])
def test_the_inventory_tells_how_the_fronts_are_asked(
    tmp_path: Path, *, direct: bool, front: str
) -> None:
    plan = LabPlan(state=tmp_path)
    generate_keys(plan)
    path = written.write(plan, dict.fromkeys(plan.hosts, 2222), direct=direct)
    fronts = {node: entry.front for node, entry in load_inventory(path).nodes.items()}
    assert fronts == dict.fromkeys(plan.nodes, front)
