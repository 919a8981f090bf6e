from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cluster_tests.errors import NodeError
from cluster_tests.model import Application, Footprint, Site
from cluster_tests.proxies.caddy import MAINTENANCE, read_sites

APPLICATION = Application("http://forge/git/ledger", "one")
DOMAIN = "one.cluster.test"
FOOTPRINT = Footprint(APPLICATION, frozenset({DOMAIN}))


def proxy(*dials: str) -> dict[str, Any]:
    return {"handler": "reverse_proxy", "upstreams": [{"dial": dial} for dial in dials]}


def sub(*handlers: dict[str, Any]) -> dict[str, Any]:
    return {"handler": "subroute", "routes": [{"handle": [handler]} for handler in handlers]}


def route(host: str | None, *handlers: dict[str, Any]) -> dict[str, Any]:
    match = {} if host is None else {"match": [{"host": [host]}]}
    return {**match, "handle": list(handlers), "terminal": True}


def sites(*routes: dict[str, Any], listen: str = ":80") -> set[Site]:
    servers = {"srv0": {"listen": [listen], "routes": list(routes)}}
    document = {"admin": {}, "apps": {"http": {"servers": servers}}}
    return set(read_sites("core1", json.dumps(document).encode(), FOOTPRINT))


def test_a_proxy_is_its_upstream() -> None:
    assert sites(route(DOMAIN, sub(proxy("web:8000")))) == {Site(DOMAIN, "web:8000")}


def test_several_upstreams_are_several_sites() -> None:
    found = sites(route(DOMAIN, sub({"handler": "encode"}, proxy("a:1"), proxy("b:2", "c:3"))))
    assert found == {Site(DOMAIN, "a:1"), Site(DOMAIN, "b:2"), Site(DOMAIN, "c:3")}


@pytest.mark.parametrize(
    "handler",
    [
        {"handler": "static_response", "status_code": 503, "body": "soon"},
        {"handler": "static_response", "status_code": "503"},
        {"handler": "error", "status_code": 503},
        {"handler": "file_server", "status_code": "503"},
    ],
)
def test_503_is_the_maintenance_page(handler: dict[str, Any]) -> None:
    assert sites(route(DOMAIN, sub({"handler": "vars"}, handler))) == {Site(DOMAIN, MAINTENANCE)}


def test_others_domains_are_not_ours() -> None:
    assert not sites(route("two.cluster.test", proxy("a:1")), route(None, proxy("b:1")))


def test_hosts_of_a_nested_route_win_over_the_outer_ones() -> None:
    inner = {"handler": "subroute", "routes": [route("ONE.cluster.test", proxy("web:80"))]}
    assert sites(route("*.cluster.test", inner)) == {Site(DOMAIN, "web:80")}


def test_a_container_of_ours_gives_a_forgotten_domain_away() -> None:
    upstream = f"{APPLICATION.project}-web-1:8000"
    found = sites(route("forgotten.cluster.test", proxy(upstream)))
    assert found == {Site("forgotten.cluster.test", upstream)}


def test_an_unknown_handler_shows_instead_of_being_passed_over() -> None:
    assert sites(route(DOMAIN, {"handler": "php"})) == {Site(DOMAIN, "handler php")}
    dynamic = {"handler": "reverse_proxy", "dynamic_upstreams": {"source": "a"}}
    assert sites(route(DOMAIN, dynamic)) == {Site(DOMAIN, "handler reverse_proxy")}


@pytest.mark.parametrize("config", [b"null", b"{}", b'{"apps": {"http": {}}}'])
def test_an_empty_configuration_has_no_sites(config: bytes) -> None:
    assert not read_sites("core1", config, FOOTPRINT)


@pytest.mark.parametrize("config", [b"", b"{", b"[1]", b'{"apps": 3}'])
def test_what_cannot_be_read_names_the_node(config: bytes) -> None:
    with pytest.raises(NodeError, match="core1: Caddy's configuration"):
        read_sites("core1", config, FOOTPRINT)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["apps", "http", "servers", "routes", "match", "host", "handle", "handler"]
            ),
            inner,
            max_size=3,
        )
    ),
)


@given(JSON)
def test_any_json_is_read_or_refused(document: object) -> None:
    with contextlib.suppress(NodeError):
        read_sites("core1", json.dumps({"apps": document}).encode(), FOOTPRINT)
