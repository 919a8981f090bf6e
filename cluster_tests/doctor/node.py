"""The looks at one node: from its key file to its disks, each reader the one that a run uses."""

from __future__ import annotations

import socket
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from cluster_tests.consul.store import ConsulStore
from cluster_tests.doctor.checking import Check
from cluster_tests.doctor.forge import IMAGE, SERVICE
from cluster_tests.doctor.judging import (
    judged_addresses,
    judged_members,
    judged_name,
    judged_network,
    judged_plugin,
    judged_rooms,
)
from cluster_tests.doctor.login import LOGIN, Login
from cluster_tests.errors import FrontError, HarnessError, NodeError
from cluster_tests.foundation.facts import read_inside, read_rooms
from cluster_tests.fronts.front import Front
from cluster_tests.inventory.secrets import without_secrets
from cluster_tests.nodes.node import Engine
from cluster_tests.nodes.probe import COMMAND, Probe
from cluster_tests.proxies.complaints import caddy_complaint, haproxy_complaint
from cluster_tests.session.access import consul_forward, engine_forward, target_of, translated
from cluster_tests.timeline.clocks import measure
from cluster_tests.waiting.waiter import Bell
from tunnels import TcpForward, Tunnel

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from cluster_tests.foundation.facts import Inside
    from cluster_tests.inventory.entries import Inventory
    from cluster_tests.timeline.clocks import Offset


class NodeExamination:
    """All checks of one node. What they open stays open for the later ones, until ``close``.

    ``offset`` and ``leader`` are what it told, for the comparison with others; None if it did not.
    """

    def __init__(self, inventory: Inventory, node: str, directory: Path) -> None:
        """Prepare to look at ``node``; its engine's socket will lie in ``directory``."""
        self.node = node
        self.offset: Offset | None = None
        self.leader: str | None = None
        self._inventory = inventory
        self._directory = directory
        self._entry = inventory.nodes[node]
        self._resources = ExitStack()
        # Made by the check that the later ones need.
        self._tunnel: Tunnel
        self._engine: Engine
        self._probe: Probe
        self._inside: Inside

    def close(self) -> str:
        """End what was opened; a look that still hangs on it ends with it."""
        self._resources.close()
        return ""

    def checks(self) -> list[Check]:
        """List the checks in the order in which they are to be made."""
        names = self._inventory.names
        consul, haproxy, caddy = names.containers
        front = (LOGIN,) if self._entry.front == "tunnel" else ()
        return [
            *Login(self._log_in).checks(),
            Check("engine socket", self._reach_engine, (LOGIN,)),
            Check("engine", self._ask_engine, ("engine socket",)),
            Check("consul", self._ask_consul, (LOGIN,)),
            *(Check(name, partial(self._runs, name), ("engine",)) for name in names.containers),
            Check("network", self._network, (haproxy, caddy)),
            Check("haproxy configuration", partial(self._accepts, haproxy_complaint), (haproxy,)),
            Check("caddy configuration", partial(self._accepts, caddy_complaint), (caddy,)),
            Check("volume plugin", self._plugin, ("engine",)),
            Check("probe", self._start_probe, (consul,)),
            Check("volumes", self._volumes, ("probe", "volume plugin")),
            Check("clock", self._clock, ("probe",)),
            Check("clients", self._look_inside, (consul, "consul")),
            Check("own name", lambda: judged_name(self.node, self._inside), ("clients",)),
            Check("members", lambda: judged_members(self._inventory, self._inside), ("clients",)),
            Check(
                "addresses", lambda: judged_addresses(self._inventory, self._inside), ("clients",)
            ),
            Check("disks", self._disks, (consul,)),
            Check("http front", self._http, front),
            Check("https front", self._https, front),
            Check("fetch URL", self._fetch, (consul,)),
            Check("registry", self._registry, ("engine",)),
        ]

    # --- the way in

    def _log_in(self) -> None:
        self._tunnel = Tunnel(target_of(self._inventory, self.node))
        self._resources.callback(self._tunnel.close)
        self._tunnel.open()

    def _reach_engine(self) -> str:
        forward = engine_forward(self.node, self._directory)
        # Whether it answers is the next check's question, and another thing to mend.
        path = self._tunnel.forward(replace(forward, answers=None))
        self._engine = Engine(self.node, path, self._inventory.deadlines.answer)
        return ""

    def _ask_engine(self) -> str:
        self._resources.callback(self._engine.close)
        self._engine.open()
        version = self._engine.version()
        return str(version["Version"])

    def _ask_consul(self) -> str:
        forward = replace(consul_forward(self._inventory), answers=None)
        host, port = self._tunnel.forward(forward)
        store = ConsulStore(host, port, self._inventory.deadlines.answer)
        self._resources.callback(store.close)
        self.leader = store.require_leader()
        return f"leader {self.leader}"

    # --- what its engine runs

    def _runs(self, container: str) -> str:
        self._engine.require_running([container])
        return ""

    def _network(self) -> str:
        names = self._inventory.names
        return judged_network(self.node, names, self._engine.attached(names.network))

    def _accepts(self, complaint: Callable[[Inventory, Engine], str]) -> str:
        found = complaint(self._inventory, self._engine)
        if found:
            raise HarnessError(
                f"it is not accepted: {found.strip()}",
                remedy=f"on {self.node}: see what wrote it: docker exec "
                f"{self._inventory.names.consul} tail {self._inventory.paths.handler_log}",
            )
        return ""

    def _plugin(self) -> str:
        driver = self._inventory.names.volume_driver
        return judged_plugin(self.node, driver, enabled=self._engine.plugin(driver).enabled)

    def _start_probe(self) -> str:
        start = partial(self._engine.start, self._inventory.names.consul, COMMAND)
        self._probe = Probe(self.node, self._inventory, Bell(), start)
        self._resources.callback(self._probe.close)
        self._probe.open()
        return ""

    def _volumes(self) -> str:
        self._probe.require_plugin()
        return ""

    def _clock(self) -> str:
        self.offset = measure(self._probe.clock)
        return f"{self.offset.least:+.3f} … {self.offset.most:+.3f} s"

    def _look_inside(self) -> str:
        self._inside = read_inside(self._inventory, self._engine)
        return f"compose {self._inside.versions['compose']}"

    def _disks(self) -> str:
        return judged_rooms(self.node, read_rooms(self._inventory, self._engine))

    # --- where it is reached, and what it must reach

    def _http(self) -> str:
        port = self._inventory.fronts.http.port
        front = Front(self.node, self._front_address, self._inventory.deadlines.answer)
        try:
            answer = front.http(self._inventory.applications.domain, port=port)
        except FrontError as error:
            raise self._unreachable(port, error) from error
        return f"answers with {answer.status}"

    def _https(self) -> str:
        # No handshake ends without a domain that is served: it must do that somebody is there.
        port = self._inventory.fronts.https.port
        try:
            address = self._front_address(port)
            socket.create_connection(address, self._inventory.deadlines.connect).close()
        except (FrontError, OSError) as error:
            raise self._unreachable(port, error) from error
        return ""

    def _front_address(self, port: int) -> tuple[str, int]:
        if self._entry.front == "direct":
            return self._entry.address, port
        with translated(self.node):
            return self._tunnel.forward(TcpForward(self._entry.address, port))

    def _unreachable(self, port: int, error: Exception) -> NodeError:
        said = error.message if isinstance(error, FrontError) else str(error)
        return NodeError(
            self.node,
            f"port {port} of {self._entry.address}: {said.removeprefix(f'{self.node}: ')}",
            remedy=f"on {self.node}: docker restart {self._inventory.names.haproxy}, and see its "
            f"log: docker logs {self._inventory.names.haproxy}",
        )

    def _fetch(self) -> str:
        url = f"{self._inventory.forge.fetch_url}/{SERVICE}.git"
        consul = self._inventory.names.consul
        # Without a prompt: a forge that asks for a password would wait for ever.
        command = ["env", "GIT_TERMINAL_PROMPT=0", "git", "ls-remote", url]
        done = self._engine.run(consul, command)
        if done.exit_code:
            raise HarnessError(
                without_secrets(f"git cannot fetch from {url}: {done.stderr.strip()}"),
                remedy=without_secrets(f"on {self.node}: docker exec {consul} git ls-remote {url}"),
            )
        return ""

    def _registry(self) -> str:
        self._engine.require_image(f"{self._inventory.forge.registry}/{IMAGE}")
        return ""
