"""Whether HAProxy and Caddy accept the configuration that they have."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cluster_tests.inventory.entries import Inventory


class _Done(Protocol):
    @property
    def exit_code(self) -> int: ...
    @property
    def stderr(self) -> str: ...


class Runner(Protocol):
    """Whoever can run a command in a container: a node's engine."""

    def run(self, container: str, command: Sequence[str]) -> _Done:
        """Run ``command`` to its end."""


def haproxy_complaint(inventory: Inventory, engine: Runner) -> str:
    """Ask one node's HAProxy; "" where it accepts its configuration.

    It is the check before a reload: ``haproxy -c -f FILE`` (HAProxy's management guide, 3).
    """
    command = ["haproxy", "-c", "-f", str(inventory.paths.haproxy_config)]
    return _complaint(engine.run(inventory.names.haproxy, command))


def caddy_complaint(inventory: Inventory, engine: Runner) -> str:
    """Ask Caddy whether it accepts what it has saved of its configuration (``caddy validate``)."""
    command = ["caddy", "validate", "--config", str(inventory.paths.caddy_config)]
    return _complaint(engine.run(inventory.names.caddy, command))


def _complaint(done: _Done) -> str:
    return "" if done.exit_code == 0 else f"exit code {done.exit_code}: {done.stderr}"
