"""Where everything came out, in words for a shell, for a process's environment, for programs."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any

from cluster_tests.forwards.opened import CONSUL, ENGINE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from cluster_tests.forwards.opened import Opened

_DOCKER, _CONSUL = "DOCKER_HOST", "CONSUL_HTTP_ADDR"
# They would make the clients speak TLS, which nobody does at these addresses; a context of
# Docker's would stand against the host.
_IN_THE_WAY = (
    "DOCKER_CERT_PATH",
    "DOCKER_CONTEXT",
    "DOCKER_TLS",
    "DOCKER_TLS_VERIFY",
    "CONSUL_HTTP_SSL",
)


def environment(opened: Opened) -> dict[str, str]:
    """Give the variables by which clients find the chosen node, and every node's engine."""
    engines = [outlet for outlet in opened.outlets if outlet.what == ENGINE]
    return {
        _DOCKER: opened.outlet(opened.chosen, ENGINE).url,
        _CONSUL: opened.outlet(opened.chosen, CONSUL).url,
        **{_variable(outlet.node): str(outlet) for outlet in engines},
    }


def whole_environment(opened: Opened, inherited: Mapping[str, str]) -> dict[str, str]:
    """Give what a command inside runs with: ``inherited``, less what leads its clients astray."""
    kept = {name: value for name, value in inherited.items() if name not in _IN_THE_WAY}
    return kept | environment(opened)


def lines_to_paste(opened: Opened) -> Iterator[str]:
    """Write an ``export`` for each engine, whose path names its node, and one for Consul."""
    for outlet in opened.outlets:
        if outlet.what == ENGINE:
            yield f"export {_DOCKER}={shlex.quote(outlet.url)}"
    yield f"export {_CONSUL}={shlex.quote(opened.outlet(opened.chosen, CONSUL).url)}"


def as_object(opened: Opened) -> dict[str, Any]:
    """Give all addresses in JSON's types."""
    return {
        "cluster": opened.cluster,
        "nodes": {
            node: {outlet.what: str(outlet) for outlet in opened.outlets if outlet.node == node}
            for node in opened.tunnels
        },
        "environment": environment(opened),
    }


def _variable(node: str) -> str:
    # Nodes' names are host names: no two differ in case, or in dashes and underscores.
    return f"CLUSTER_TESTS_SOCKET_{node.upper().replace('-', '_')}"
