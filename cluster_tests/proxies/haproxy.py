"""Where one node's HAProxy sends the requests for one application."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cluster_tests.errors import NodeError
from cluster_tests.model import Footprint, Route
from cluster_tests.proxies.haproxy_config import (
    Front,
    HaproxyConfig,
    HaproxySyntaxError,
    Rule,
    normal_bind,
    parse_haproxy,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["normal_bind", "read_routes", "routes_of"]


def read_routes(node: str, config: bytes, footprint: Footprint) -> frozenset[Route]:
    """Read the routes of an application from ``node``'s configuration.

    Raises ``NodeError`` for a configuration that cannot be read, or that sends the application's
    requests in a way this reader does not understand.
    """
    try:
        return routes_of(parse_haproxy(config.decode()), footprint)
    except (HaproxySyntaxError, UnicodeDecodeError) as error:
        raise NodeError(node, f"HAProxy's configuration: {error}") from error


def routes_of(config: HaproxyConfig, footprint: Footprint) -> frozenset[Route]:
    """Pick an application's routes: by its domains, by its ports, by its containers' names.

    Backends' names play no part: the contract leaves them to the cluster.
    """
    return frozenset(
        route
        for front in config.fronts
        for rule in front.rules
        for route in _routes(config, front, rule, footprint)
    )


def _routes(
    config: HaproxyConfig, front: Front, rule: Rule, footprint: Footprint
) -> Iterator[Route]:
    backend = config.backends.get(rule.backend)
    if backend is None:
        raise HaproxySyntaxError(f"{rule.statement}: there is no backend {rule.backend}")
    own_front = bool(footprint.ports.intersection(front.binds))
    own_servers = [name for name in backend.servers if footprint.is_container(_host(name))]
    named = footprint.domains.intersection(rule.condition.mentioned)
    if not (own_front or own_servers or named):
        return
    if rule.condition.unclear:
        raise HaproxySyntaxError(f"{rule.statement}: selects by more than a domain")
    for statement in backend.unclear:
        raise HaproxySyntaxError(f"{statement}: is more than a plain server")
    matches = rule.condition.domains if own_front or own_servers else sorted(named)
    for match in matches or ("",):
        for server in backend.servers or ("nowhere",):
            yield Route(front.name, front.mode, front.binds, match, server)


def _host(server: str) -> str:
    return server.rpartition(":")[0] or server
