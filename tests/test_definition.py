"""What a compose file declares, read strictly."""

from __future__ import annotations

import json

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from cluster_tests.definition.caddyfile import read_sites
from cluster_tests.definition.compose import matched_domain, parse_definition
from cluster_tests.errors import DefinitionError
from cluster_tests.model import (
    ComposeService,
    FrontDefinition,
    SiteDefinition,
    VolumeDefinition,
)

BTRFS = "anybox/buttervolume:latest"

COMPOSE = """
services:
  app:
    image: forge:5000/ledger-app:1
    environment:
      CADDYFILE: |
        http://a.cluster.test {
            reverse_proxy $CONTAINER:8000
        }
    volumes: [files:/files, "cache:/cache", ./conf:/etc/conf:ro]
  db:
    build: db
    volumes:
      - {type: volume, source: db, target: /data}
  files:
    image: forge:5000/ledger-files:1
    environment:
      - >-
        HAPROXY={"a-ssh": {"frontend": {"mode": "tcp", "bind": ["*:2200"]},
        "backends": [{"name": "a-ssh", "port": 22, "peer_port": 2200}]}}
volumes:
  db: {driver: "anybox/buttervolume:latest"}
  files:
    driver: anybox/buttervolume:latest
    labels: {com.github.mlfmonde.cluster.nonmigrable: true}
  cache:
"""


def compose(**service: object) -> str:
    """Write a compose file with one service."""
    return str(yaml.safe_dump({"services": {"app": service}}))


def haproxy(front: str = "ssh", **replaced: object) -> str:
    """Write a compose file whose one service has one ``HAPROXY`` front, with parts replaced."""
    entry = {
        "frontend": {"mode": "tcp", "bind": ["*:2200"]},
        "backends": [{"name": "ssh", "port": 22, "peer_port": 2200}],
    }
    return compose(environment={"HAPROXY": json.dumps({front: entry | replaced})})


def test_reads_all_that_a_service_declares() -> None:
    definition = parse_definition(COMPOSE)

    assert definition.services == (
        ComposeService("app", "forge:5000/ledger-app:1"),
        ComposeService("db", ""),
        ComposeService("files", "forge:5000/ledger-files:1"),
    )
    assert definition.sites == (
        SiteDefinition("http://a.cluster.test", "a.cluster.test", "app", 8000),
    )
    assert definition.fronts == (
        FrontDefinition("a-ssh", "tcp", ("*:2200",), "", "a-ssh", "files", 22, 2200),
    )
    assert definition.domains == ("a.cluster.test",)
    assert definition.urls == ("http://a.cluster.test",)


def test_tells_the_volumes_that_move_from_those_that_stay() -> None:
    definition = parse_definition(COMPOSE)

    assert definition.volumes_on(BTRFS) == (
        VolumeDefinition("db", BTRFS),
        VolumeDefinition("files", BTRFS, (("com.github.mlfmonde.cluster.nonmigrable", "true"),)),
    )
    assert definition.volumes_off(BTRFS) == (VolumeDefinition("cache"),)


def test_external_volumes_are_not_the_applications_own() -> None:
    text = yaml.safe_dump(
        {
            "services": {"app": {"volumes": ["shared:/shared"]}},
            "volumes": {"shared": {"external": True, "name": "anything"}},
        }
    )
    assert parse_definition(text).volumes == ()


def test_several_addresses_and_upstreams_are_several_sites() -> None:
    caddyfile = """
    # a comment
    http://a.test, https://b.test:8443 {
        encode gzip   # another
        reverse_proxy /api/* $CONTAINER:8001 {
            header_up Host {host}
        }
        reverse_proxy $CONTAINER
    }
    """
    definition = parse_definition(compose(environment={"CADDYFILE": caddyfile}))

    assert [(site.url, site.domain, site.port) for site in definition.sites] == [
        ("http://a.test", "a.test", 80),
        ("http://a.test", "a.test", 8001),
        ("https://b.test:8443", "b.test", 80),
        ("https://b.test:8443", "b.test", 8001),
    ]


def test_a_site_may_answer_by_itself() -> None:
    definition = parse_definition(
        compose(environment={"CADDYFILE": "old.test {\n  redir https://new.test\n}"})
    )
    assert definition.sites == (SiteDefinition("old.test", "old.test", "app", None),)


def test_reads_haproxy_as_yaml_too_and_one_front_of_two_services() -> None:
    shared = """
    http-in:
      frontend: {mode: tcp, bind: "*:9999"}
      backends:
        - {name: NAME, port: 8000, peer_port: 80,
           use_backend_option: "if { hdr(host) -i NAME.test }"}
    """
    definition = parse_definition(
        yaml.safe_dump(
            {
                "services": {
                    name: {"environment": {"HAPROXY": shared.replace("NAME", name)}}
                    for name in ("one", "two")
                }
            }
        )
    )
    # The shared front's own part is ignored: it is HTTP, and binds nothing of the service's.
    assert definition.fronts == (
        FrontDefinition("http-in", "http", (), "one.test", "one", "one", 8000, 80),
        FrontDefinition("http-in", "http", (), "two.test", "two", "two", 8000, 80),
    )


def test_reads_additional_check_urls() -> None:
    definition = parse_definition(
        compose(environment={"CONSUL_CHECK_URLS": '["http://b.test/x", "http://a.test/y"]'})
    )
    assert definition.check_urls == ("http://a.test/y", "http://b.test/x")


@pytest.mark.parametrize(
    ("option", "domain"),
    [
        ("", ""),
        ("if { hdr(host) -i a.test }", "a.test"),
        ("if { req.hdr(host) a.test }", "a.test"),
        ("if { req_ssl_sni -i a.test }", "a.test"),
        ("if { req.ssl_sni -i a.test }", "a.test"),
    ],
)
def test_finds_the_domain_a_condition_selects(option: str, domain: str) -> None:
    assert matched_domain(option) == domain


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("services: [", "not YAML"),
        ("[]", "docker-compose.yml: expected a mapping"),
        ("services: {}", "declares no service"),
        ("services: {app: 3}", "service app: expected a mapping"),
        (compose(environment=3), "service app: environment"),
        (compose(volumes="x"), "service app: volumes: expected a list"),
        (compose(environment={"HAPROXY": "[1]"}), "service app: HAPROXY: expected a mapping"),
        (compose(environment={"HAPROXY": "{"}), "service app: HAPROXY: not YAML"),
        (haproxy(frontend=None), "HAPROXY: ssh: frontend is missing"),
        (haproxy(frontend={"mode": "udp", "bind": []}), "mode 'udp'"),
        (haproxy(frontend={"mode": "tcp"}), "bind is missing"),
        (haproxy(backends=[]), "ssh: no backends"),
        (haproxy(backends=[{"port": 1, "peer_port": 1}]), r"backends\[0\]: name is missing"),
        (haproxy(backends=[{"name": "a", "port": 0, "peer_port": 1}]), "'0' is not a port"),
        (
            haproxy(backends=[{"name": "a", "port": 1, "peer_port": "x"}]),
            r"backends\[0\]: peer_port: 'x' is not a port",
        ),
        (compose(environment={"CONSUL_CHECK_URLS": "http://a"}), "CONSUL_CHECK_URLS"),
        (compose(environment={"CADDYFILE": "a.test"}), "line 1: expected a site's addresses"),
        (compose(environment={"CADDYFILE": "(snippet) {\n}"}), "expected a site's addresses"),
        (compose(environment={"CADDYFILE": "{\n}"}), "expected a site's addresses"),
        (compose(environment={"CADDYFILE": "a.test {"}), "not closed"),
        (compose(environment={"CADDYFILE": ":80 {\n}"}), "no domain in the address ':80'"),
        (
            compose(environment={"CADDYFILE": "a.test {\nreverse_proxy other:80\n}"}),
            "'other:80' is not",
        ),
        (
            compose(environment={"CADDYFILE": "a.test {\nreverse_proxy $CONTAINER:x\n}"}),
            "'x' is not a port",
        ),
        ("services: {app: {}}\nvolumes: {db: }", "no service mounts it"),
        ("services: {app: {volumes: ['db:/d']}}\nvolumes: {db: {name: x}}", "evades"),
    ],
)
def test_refuses_what_the_contract_does_not_know(text: str, complaint: str) -> None:
    with pytest.raises(DefinitionError, match=complaint):
        parse_definition(text)


def test_refuses_a_condition_that_selects_by_anything_but_a_domain() -> None:
    with pytest.raises(DefinitionError, match="does not select by one domain"):
        matched_domain("if { path_beg /api }")


names = st.from_regex(r"[a-z][a-z0-9_-]{0,9}", fullmatch=True)
ports = st.integers(1, 65535)


@given(st.dictionaries(names, st.tuples(names, st.lists(ports, max_size=3)), max_size=4))
def test_every_site_that_is_written_is_read_back(sites: dict[str, tuple[str, list[int]]]) -> None:
    text = "".join(
        f"http://{domain}.test {{\n  log {{\n    output {word}\n  }}\n"
        + "".join(f"  reverse_proxy $CONTAINER:{port}\n" for port in upstreams)
        + "}\n"
        for domain, (word, upstreams) in sites.items()
    )
    found = {site.domain: site.upstreams for site in read_sites(text)}
    assert found == {
        f"{domain}.test": tuple(f"$CONTAINER:{port}" for port in upstreams)
        for domain, (_, upstreams) in sites.items()
    }


@given(st.dictionaries(names, st.sampled_from(["local", BTRFS]), min_size=1, max_size=5))
def test_every_volume_is_either_on_the_driver_or_off_it(volumes: dict[str, str]) -> None:
    definition = parse_definition(
        yaml.safe_dump(
            {
                "services": {"app": {"volumes": [f"{name}:/{name}" for name in volumes]}},
                "volumes": {name: {"driver": driver} for name, driver in volumes.items()},
            }
        )
    )
    on, off = definition.volumes_on(BTRFS), definition.volumes_off(BTRFS)
    assert {volume.name: volume.driver for volume in (*on, *off)} == volumes
    assert {volume.driver for volume in on} <= {BTRFS}
    assert {volume.driver for volume in off} <= {"local"}


@given(st.text())
def test_any_text_is_read_or_refused_with_a_definition_error(text: str) -> None:
    for document in (text, compose(environment={"HAPROXY": text, "CADDYFILE": text})):
        try:
            parse_definition(document)
        except DefinitionError:
            continue
