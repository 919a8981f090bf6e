"""Which domains one node's Caddy answers, read from its configuration as JSON.

Structure: https://caddyserver.com/docs/json/apps/http/. Caddy saves what it has loaded
(``autosave.json``), whichever way it was loaded; that file is read, not the Caddyfile.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from cluster_tests.errors import NodeError
from cluster_tests.model import Site

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from cluster_tests.model import Footprint

# What stands for the upstream of a site that answers by itself.
STATUS = "status {}"
MAINTENANCE = STATUS.format(503)
# Handlers that pass a request on to the next, changed or not; they decide nothing.
# fmt: off
_PASSING = frozenset({
    "authentication", "copy_response", "copy_response_headers", "encode", "headers",
    "intercept", "invoke", "log_append", "map", "metrics", "push", "request_body", "rewrite",
    "templates", "tracing", "vars", "acme_server",
})
# fmt: on


def read_sites(node: str, config: bytes, footprint: Footprint) -> frozenset[Site]:
    """Read an application's sites from ``node``'s configuration: by domain and by container.

    Raises ``NodeError`` for a configuration that is not of the documented shape.
    """
    try:
        return frozenset(_own_sites(json.loads(config) or {}, footprint))
    except ValueError as error:
        raise NodeError(node, f"Caddy's configuration is not JSON: {error}") from error
    except (KeyError, TypeError, AttributeError) as error:
        said = f"{type(error).__name__}: {error}"
        raise NodeError(
            node, f"Caddy's configuration is not of the documented shape: {said}"
        ) from error


def _own_sites(document: Mapping[str, Any], footprint: Footprint) -> Iterator[Site]:
    servers = document.get("apps", {}).get("http", {}).get("servers", {})
    for server in servers.values():
        for site in _sites(server.get("routes"), ("",)):
            if site.domain in footprint.domains or footprint.is_container(site.upstream):
                yield site


def _sites(routes: list[Mapping[str, Any]] | None, outer: tuple[str, ...]) -> Iterator[Site]:
    """Yield what each route answers; a route without hosts of its own inherits the ``outer``."""
    for route in routes or ():
        domains = _hosts(route) or outer
        for handler in route.get("handle") or ():
            if handler["handler"] == "subroute":
                yield from _sites(handler.get("routes"), domains)
            else:
                answers = list(_answers(handler))
                yield from (Site(domain, answer) for domain in domains for answer in answers)


def _hosts(route: Mapping[str, Any]) -> tuple[str, ...]:
    matchers = route.get("match") or ()
    return tuple(host.lower() for matcher in matchers for host in matcher.get("host") or ())


def _answers(handler: Mapping[str, Any]) -> Iterator[str]:
    """Yield what a handler answers with: each upstream, a status, or that it is not known."""
    kind = handler["handler"]
    if kind == "reverse_proxy" and handler.get("upstreams"):
        yield from (upstream["dial"] for upstream in handler["upstreams"])
    elif kind in {"static_response", "file_server"}:
        yield STATUS.format(handler.get("status_code", 200))
    elif kind == "error":
        yield STATUS.format(handler.get("status_code", 500))
    elif kind not in _PASSING:
        yield f"handler {kind}"  # nothing expects it, so it shows as a difference
