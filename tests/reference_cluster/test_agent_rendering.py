"""HAProxy's and Caddy's configuration, and the hosts, from the KV."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

import pytest
from switch_agent import caddyfile, haproxy
from switch_agent.boot import consul_config
from switch_agent.consul import Entry
from switch_agent.errors import RefusedError
from switch_agent.hosts import with_domains
from switch_agent.record import Record
from switch_agent.rendering import caddy_text, state_of
from switch_agent.settings import Settings

# docs/contract.md, "What is true once a deploy has settled"
KEYS = {
    *("repo_url", "branch", "deploy_date", "deploy_id", "previous_deploy_id", "master", "slave"),
    *("ip", "domains", "urls", "caddyfile", "haproxy", "ct", "volumes"),
}
SETTINGS = Settings("core1", {"core1": "10.0.0.1", "core2": "10.0.0.2"})
SHOP = Record(
    name="shop_main.12345",
    repo_url="http://forge/shop",
    branch="main",
    deploy_date="2026-01-01T00:00:00+00:00",
    deploy_id="id",
    previous_deploy_id=None,
    master="core1",
    slave="core2",
    ip="10.0.0.1",
    domains=["shop.test"],
    urls=["http://shop.test"],
    caddyfile="http://shop.test {\n\treverse_proxy shop-web-1:80\n}",
    haproxy={
        "ssh-2200": {
            "frontend": {"mode": "tcp", "bind": ["*:2200"], "options": ["option tcplog"]},
            "backends": [
                {
                    "name": "ssh",
                    "port": "22",
                    "peer_port": "2200",
                    "server_option": "check",
                    "options": "timeout server 1h\n",
                    "ct": "shop-ssh-1",
                }
            ],
        },
        "http-in": {
            "frontend": {},
            "backends": [
                {
                    "name": "raw",
                    "port": 8080,
                    "peer_port": 80,
                    "use_backend_option": "if { hdr(host) -i raw.test }",
                    "ct": "shop-raw-1",
                }
            ],
        },
    },
)
BLOG = replace(
    SHOP,
    name="blog_x/y.54321",
    master="core2",
    ip="10.0.0.2",
    domains=["blog.test"],
    haproxy={},
    caddyfile="https://blog.test {\n\treverse_proxy blog:80\n}",
)


def sections(text: str) -> dict[str, list[str]]:
    """Split a configuration into its sections' lines."""
    found: dict[str, list[str]] = {}
    for line in text.splitlines():
        if line and not line.startswith((" ", "#")):
            found[line] = []
        elif line.strip() and not line.strip().startswith("#"):
            found[list(found)[-1]].append(line.strip())
    return found


def rendered(
    *records: Record, node: str = "core1", maintained: tuple[str, ...] = ()
) -> dict[str, list[str]]:
    return sections(haproxy.render(records, set(maintained), node, "caddy"))


def server(config: dict[str, list[str]], backend: str) -> str:
    return config[f"backend {backend}"][-1]


def test_on_the_master_domains_lead_to_its_caddy() -> None:
    config = rendered(SHOP)
    assert server(config, "http-in--shop_main.12345--shop.test") == "server here caddy:80"
    assert server(config, "https-in--shop_main.12345--shop.test") == "server here caddy:443"


def test_elsewhere_domains_lead_to_the_master_on_the_same_port() -> None:
    config = rendered(SHOP, node="core2")
    assert server(config, "http-in--shop_main.12345--shop.test") == "server core1 10.0.0.1:80"
    assert server(config, "https-in--shop_main.12345--shop.test") == "server core1 10.0.0.1:443"


def test_http_goes_by_host_and_https_by_sni() -> None:
    config = rendered(SHOP)
    assert (
        "use_backend http-in--shop_main.12345--shop.test "
        "if { req.hdr(host),host_only -i shop.test }" in config["frontend http-in"]
    )
    assert (
        "use_backend https-in--shop_main.12345--shop.test if { req.ssl_sni -i shop.test }"
        in config["frontend https-in"]
    )
    assert config["frontend https-in"][:2] == ["mode tcp", "bind *:443"]
    assert config["frontend http-in"][:2] == ["mode http", "bind *:80"]


def test_an_entry_leads_to_the_container_on_the_master() -> None:
    config = rendered(SHOP)
    name = "ssh-2200--shop_main.12345--ssh--shop-ssh-1"
    assert config["frontend ssh-2200"] == [
        "mode tcp",
        "bind *:2200",
        "option tcplog",
        f"default_backend {name}",
    ]
    assert config[f"backend {name}"] == [
        "mode tcp",
        "timeout server 1h",
        "server here shop-ssh-1:22 check",
    ]


def test_an_entry_leads_to_the_masters_peer_port_elsewhere() -> None:
    config = rendered(SHOP, node="core2")
    name = "ssh-2200--shop_main.12345--ssh--shop-ssh-1"
    assert server(config, name) == "server core1 10.0.0.1:2200 check"


def test_a_shared_front_gets_the_entry_with_its_condition() -> None:
    config = rendered(SHOP)
    name = "http-in--shop_main.12345--raw--shop-raw-1"
    assert f"use_backend {name} if {{ hdr(host) -i raw.test }}" in config["frontend http-in"]
    assert config[f"backend {name}"] == ["mode http", "server here shop-raw-1:8080"]


@pytest.mark.parametrize("node", ["core1", "core2"])
def test_in_maintenance_entries_are_absent_and_domains_stay(node: str) -> None:
    config = rendered(SHOP, node=node, maintained=(SHOP.name,))
    assert "frontend ssh-2200" not in config
    assert not [name for name in config if "shop-ssh-1" in name or "shop-raw-1" in name]
    assert "backend http-in--shop_main.12345--shop.test" in config


def test_another_applications_maintenance_changes_nothing() -> None:
    assert rendered(SHOP, BLOG, maintained=(BLOG.name,)) == rendered(SHOP, BLOG)


def test_names_hold_only_what_haproxy_allows() -> None:
    for name in rendered(SHOP, BLOG, node="core2"):
        kind, _, proxy = name.partition(" ")
        assert kind in {"global", "defaults", "resolvers", "frontend", "backend"}
        assert re.fullmatch(r"[A-Za-z0-9_.:-]*", proxy)


def test_every_rule_has_its_backend_and_every_backend_its_rule() -> None:
    config = rendered(SHOP, BLOG, node="core2")
    used = {
        line.split()[1]
        for name, lines in config.items()
        if name.startswith("frontend")
        for line in lines
        if line.startswith(("use_backend", "default_backend"))
    }
    assert used == {name.split()[1] for name in config if name.startswith("backend")}


def test_the_order_of_records_makes_no_difference() -> None:
    assert haproxy.render([SHOP, BLOG], (), "core1", "c") == haproxy.render(
        [BLOG, SHOP], (), "core1", "c"
    )


def test_fronts_are_claimed_by_name_and_address_but_not_the_shared_ones() -> None:
    claims = set(haproxy.own_fronts(SHOP))
    assert claims == {("the front", "ssh-2200"), ("the address", "*:2200")}


# --- Caddy ----------------------------------------------------------------------------------


def entries(*records: Record, maintained: tuple[str, ...] = ()) -> dict[str, Entry]:
    found = {f"app/{r.name}": Entry(json.dumps(r.as_json()).encode()) for r in records}
    return found | {f"maintenance/{name}": Entry(b"") for name in maintained}


def test_only_the_masters_caddy_has_the_sites() -> None:
    text = caddy_text(SETTINGS, state_of(entries(SHOP, BLOG)))
    assert "http://shop.test {\n\treverse_proxy shop-web-1:80\n}" in text
    assert "blog.test" not in text


def test_no_certificate_is_asked_for_outside() -> None:
    assert "\tlocal_certs\n" in caddy_text(SETTINGS, state_of({}))


def test_who_asks_for_a_site_that_is_not_there_is_told_to_come_again() -> None:
    text = caddy_text(SETTINGS, state_of({}))
    site = text[text.index("\nhttp:// {") :]
    assert 'respond "This site is not served here." 503' in site
    assert "Retry-After 1" in site


def test_in_maintenance_the_sites_answer_503() -> None:
    text = caddy_text(SETTINGS, state_of(entries(SHOP, maintained=(SHOP.name,))))
    assert "reverse_proxy" not in text
    site = text[text.index("http://shop.test {") :]
    assert "Retry-After" in site
    assert re.search(r'respond ".*" 503', site)


def test_a_site_that_is_away_for_another_application_stays() -> None:
    assert "reverse_proxy shop-web-1:80" in caddy_text(
        SETTINGS, state_of(entries(SHOP, BLOG, maintained=(BLOG.name,)))
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        ("http://a.test {\n}", ["http://a.test"]),
        ("a.test, b.test {\n respond 200\n}\nc.test:80 {\n}", ["a.test", "b.test", "c.test:80"]),
        ("a.test,\nb.test {\n}", ["a.test", "b.test"]),
        ("# x.test {\na.test {\n handle /x {\n respond {host}\n }\n}", ["a.test"]),
        ('a.test {\n respond "} {" 200\n}\nb.test {\n}', ["a.test", "b.test"]),
        ("(snip) {\n header X y\n}\na.test {\n import snip\n}", ["a.test"]),
    ],
)
def test_site_addresses_are_found(text: str, expected: list[str]) -> None:
    assert caddyfile.addresses(text) == expected


@pytest.mark.parametrize(
    "text", ["{\n debug\n}", "a.test\nrespond 200", "a.test {", "a.test { }\n}"]
)
def test_what_would_not_stand_beside_others_is_refused(text: str) -> None:
    with pytest.raises(RefusedError):
        caddyfile.addresses(text)


@pytest.mark.parametrize(
    ("address", "url", "domain"),
    [
        ("http://A.test", "http://A.test", "a.test"),
        ("https://a.test:8443/x", "https://a.test:8443/x", "a.test"),
        ("a.test", "https://a.test", "a.test"),
        ("a.test:80", "http://a.test:80", "a.test"),
    ],
)
def test_addresses_are_urls_of_domains(address: str, url: str, domain: str) -> None:
    assert caddyfile.url(address) == url
    assert caddyfile.domain(address) == domain


# --- the state, the hosts, Consul -----------------------------------------------------------


@pytest.mark.parametrize("value", [b"{", b"[]", b'{"master": "core1"}', b"\xff"])
def test_a_record_that_cannot_be_read_costs_the_others_nothing(value: bytes) -> None:
    state = state_of(entries(SHOP) | {"app/broken": Entry(value)})
    assert state.records == (SHOP,)
    assert len(state.unreadable) == 1
    assert "app/broken" in state.unreadable[0]


def test_a_record_has_exactly_the_contracts_keys_and_reads_back() -> None:
    values: dict[str, Any] = SHOP.as_json()
    assert set(values) == KEYS
    assert Record.from_json(SHOP.name, values) == SHOP


def test_hosts_are_replaced_and_not_piled_up() -> None:
    once = with_domains("127.0.0.1 localhost", ["b.test", "a.test", "a.test"], "10.0.0.1")
    assert once == (
        "127.0.0.1 localhost\n# begin: switch agent\n10.0.0.1 a.test\n10.0.0.1 b.test\n"
        "# end: switch agent\n"
    )
    assert with_domains(once, ["c.test"], "10.0.0.1").count("begin") == 1
    assert "a.test" not in with_domains(once, ["c.test"], "10.0.0.1")


def test_consul_is_one_of_as_many_servers_as_there_are_nodes() -> None:
    config = consul_config(SETTINGS)
    assert config["bootstrap_expect"] == 2
    assert config["retry_join"] == ["10.0.0.2"]
    assert config["bind_addr"] == config["advertise_addr"] == "10.0.0.1"
    assert config["client_addr"] == "127.0.0.1"
    assert config["watches"] == [
        {"type": "event", "handler_type": "script", "args": ["switch-agent", "handle"]}
    ]
