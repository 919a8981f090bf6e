"""What the suite's own ways to the nodes tell of sshds that forbid the forwarding of sockets."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from alive_helpers import assert_echoes
from breaking_engine import BreakingEngine, as_json

from cluster_tests.inventory.file import load_inventory
from cluster_tests.session import access
from cluster_tests.session.links import Links
from tunnels import TcpForward, Tunnel

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from cluster_tests.bench.sshd import Sshd
    from cluster_tests.inventory.entries import Inventory

pytest_plugins = ["tunnel_fixtures", "fallback_fixtures"]
pytestmark = pytest.mark.usefixtures("leaves_nothing")


@pytest.fixture
def inventory_of(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    spec_to: Callable[[str], Any],
    socket_far_end: Callable[..., str],
    tcp_far_end: Callable[..., tuple[str, int]],
) -> Callable[..., Inventory]:
    """Have nodes behind these servers, all with the same engine and Consul."""
    node = BreakingEngine(lambda _sent: None)
    node.answers = {"GET /_ping": as_json("OK"), "GET /v1/status/leader": as_json("core1:8300")}
    engine, (_, port) = socket_far_end(node.serve), tcp_far_end(node.serve)
    monkeypatch.setattr(access, "_ENGINE_SOCKET", engine)
    monkeypatch.setattr(access, "FALLBACK", spec_to(engine).fallback_command)

    def make(*servers: Sshd) -> Inventory:
        nodes = {
            f"core{number}": {"address": f"127.0.0.{number}", "ssh": ssh_of(server)}
            for number, server in enumerate(servers, 1)
        }
        forge = {"fetch_url": "http://f", "push_url": "http://f", "registry": "f"}
        values = {"name": "n", "nodes": nodes, "forge": forge, "consul": {"port": port}}
        path = tmp_path / "inventory.yaml"
        path.write_text(yaml.safe_dump(values))
        return load_inventory(path)

    return make


def ssh_of(sshd: Sshd) -> dict[str, object]:
    return {
        "host": sshd.address,
        "port": sshd.port,
        "user": sshd.user,
        "identity_file": str(sshd.identity),
        "known_hosts": str(sshd.known_hosts),
    }


def test_engines_that_are_reached_by_a_command_are_told_on_one_line(
    inventory_of: Callable[..., Inventory],
    forbidding: Sshd,
    sshd: Sshd,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with closing(Links(inventory_of(forbidding, sshd, forbidding))) as links:
        assert links.fallbacks == ""
        links.open()
        told = links.fallbacks
    assert told.startswith("sshd forbids the forwarding of sockets on core1, core3: the engine is")
    assert "\n" not in told
    assert "forbids" not in capsys.readouterr().out  # it is told once, by who opens the session


def test_nothing_is_told_where_sockets_are_forwarded(
    inventory_of: Callable[..., Inventory], sshd: Sshd
) -> None:
    with closing(Links(inventory_of(sshd, sshd))) as links:
        links.open()
        assert links.fallbacks == ""


def test_two_that_ask_for_one_front_at_a_time_share_its_way(
    inventory_of: Callable[..., Inventory],
    sshd: Sshd,
    tcp_far_end: Callable[..., tuple[str, int]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    forward = Tunnel.forward

    def after_another(tunnel: Tunnel, spec: TcpForward) -> tuple[str, int]:
        forward(tunnel, spec)
        return forward(tunnel, spec)

    with closing(Links(inventory_of(sshd, sshd))) as links:
        links.open()
        monkeypatch.setattr(Tunnel, "forward", after_another)
        assert_echoes(links.front_address("core1", tcp_far_end()[1]))
