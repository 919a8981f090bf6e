"""What the agent reads from a compose project."""

from __future__ import annotations

import json
from typing import Any

import pytest
from switch_agent.checks import read_declared, service
from switch_agent.definition import Definition, read_definition
from switch_agent.errors import RefusedError

BACKEND = {"name": "ssh", "port": "22", "peer_port": "2200"}
FRONT = {"frontend": {"mode": "tcp", "bind": "*:2200"}, "backends": [BACKEND]}
CADDYFILE = "http://a.test {\n reverse_proxy $CONTAINER:80\n}\n"


def config(**environment: str) -> dict[str, Any]:
    return {
        "name": "shop",
        "services": {
            "web": {"image": "forge:5000/web", "environment": environment},
            "db": {"build": {"context": "/x"}},
        },
        "volumes": {
            "data": {"name": "shop_data", "driver": "anybox/buttervolume:latest"},
            "cache": {"name": "shop_cache"},
            "shared": {"name": "shared", "external": True},
        },
    }


def read(**environment: str) -> Definition:
    return read_definition(config(**environment), "shop_")


def test_volumes_are_told_by_driver_whatever_its_tag() -> None:
    definition = read()
    assert definition.volumes == {
        "shop_data": "anybox/buttervolume:latest",
        "shop_cache": "local",
    }
    assert definition.volumes_of("anybox/buttervolume:3.13") == ["shop_data"]


def test_services_tell_how_they_get_their_image() -> None:
    db, web = read().services
    assert (db.name, db.builds, db.image) == ("db", True, "")
    assert (web.name, web.builds, web.image) == ("web", False, "forge:5000/web")


def test_services_with_sites_or_fronts_are_published() -> None:
    assert read().published == set()
    assert read(CADDYFILE=CADDYFILE).published == {"web"}
    assert read(HAPROXY=json.dumps({"ssh": FRONT})).published == {"web"}


def test_the_containers_name_stands_in_the_caddyfile_and_on_backends() -> None:
    definition = read(CADDYFILE=CADDYFILE, HAPROXY=json.dumps({"ssh": FRONT}))
    names = {"web": "shop-web-1", "db": "shop-db-1"}
    assert definition.addresses == ["http://a.test"]
    assert "reverse_proxy shop-web-1:80" in definition.caddyfile(names)
    assert definition.haproxy(names)["ssh"]["backends"][0]["ct"] == "shop-web-1"


def test_haproxy_may_be_yaml() -> None:
    text = "http-in:\n  backends:\n  - {name: a, port: 80, peer_port: 80}\n"
    front = read(HAPROXY=text).haproxy({"web": "w"})["http-in"]
    assert front == {
        "frontend": {},
        "backends": [{"name": "a", "port": 80, "peer_port": 80, "ct": "w"}],
    }


def test_a_front_named_by_two_services_is_merged() -> None:
    both = config(HAPROXY=json.dumps({"ssh": FRONT}))
    both["services"]["db"]["environment"] = {"HAPROXY": json.dumps({"ssh": FRONT})}
    merged = read_definition(both, "shop_").haproxy({"web": "w", "db": "d"})
    assert [backend["ct"] for backend in merged["ssh"]["backends"]] == ["d", "w"]


def test_check_urls_are_read() -> None:
    assert read(CONSUL_CHECK_URLS='["http://a.test/x"]').check_urls == ["http://a.test/x"]


@pytest.mark.parametrize(
    ("variable", "text", "reason"),
    [
        ("HAPROXY", "{", "service web: HAPROXY is neither JSON nor YAML"),
        ("HAPROXY", "[]", None),
        ("HAPROXY", "text", "expected a mapping"),
        ("HAPROXY", '{"ssh": {"backends": []}}', "expected a mapping"),
        ("HAPROXY", '{"s p": {"backends": []}}', "no name for a front"),
        ("HAPROXY", '{"http-in": {}}', "expected a list"),
        ("HAPROXY", '{"http-in": {"backends": [{"name": "a", "port": 1}]}}', "has no peer_port"),
        (
            "HAPROXY",
            '{"http-in": {"backends": [{"name": "a", "port": "x", "peer_port": 2}]}}',
            "port is no number",
        ),
        ("HAPROXY", '{"a": {"frontend": {"mode": "udp"}, "backends": []}}', "neither tcp nor http"),
        ("HAPROXY", '{"a": {"frontend": {"mode": "tcp"}, "backends": []}}', "no bind"),
        (
            "HAPROXY",
            '{"a": {"frontend": {"mode": "tcp", "bind": "*:1", "options": "x\\nglobal"}}}',
            "begin a section",
        ),
        (
            "HAPROXY",
            json.dumps({"http-in": {"backends": [{**BACKEND, "server_option": "a\nb"}]}}),
            "more than one line",
        ),
        ("CONSUL_CHECK_URLS", '"x"', "no list of URLs"),
        ("CONSUL_CHECK_URLS", "[5]", "no list of URLs"),
        ("CADDYFILE", "a.test {", "braces"),
    ],
)
def test_mistakes_are_refused_with_the_service(
    variable: str, text: str, reason: str | None
) -> None:
    if reason is None:  # nothing declared is no mistake
        assert read(**{variable: text}).published == set()
        return
    with pytest.raises(RefusedError, match=reason):
        read(**{variable: text})


def test_a_project_without_services_is_refused() -> None:
    with pytest.raises(RefusedError, match="no service"):
        read_definition({"services": {}}, "shop_")


def test_a_volume_with_a_name_of_its_own_is_refused() -> None:
    with pytest.raises(RefusedError, match="shop_data"):
        read_definition(config(), "blog_")


# --- the Consul service ---------------------------------------------------------------------


def test_every_url_is_checked_once() -> None:
    found = service("shop", ["http://a/", "http://a/", "https://b/"], "1s", "2s")
    assert [check["HTTP"] for check in found["Checks"]] == ["http://a/", "https://b/"]
    assert found["ID"] == found["Name"] == "shop"


def test_service_json_replaces_all_checks_but_not_the_name() -> None:
    declared = '{"service": {"name": "x", "ID": "y", "checks": [{"tcp": "a:1"}]}}'
    assert service("shop", ["http://a/"], "1s", "2s", declared) == {
        "ID": "shop",
        "Name": "shop",
        "checks": [{"tcp": "a:1"}],
    }


@pytest.mark.parametrize("text", ["{", "[]", "5"])
def test_a_service_json_that_is_no_object_is_refused(text: str) -> None:
    with pytest.raises(RefusedError):
        read_declared(text)
