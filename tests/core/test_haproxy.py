from __future__ import annotations

import contextlib

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from cluster_tests.errors import NodeError
from cluster_tests.model import Application, Footprint, Route
from cluster_tests.proxies.haproxy import read_routes
from cluster_tests.proxies.haproxy_config import (
    HaproxySyntaxError,
    normal_bind,
    parse_haproxy,
    ports_of,
)
from cluster_tests.proxies.haproxy_match import Condition, read_acl, read_condition

APPLICATION = Application("http://forge/git/ledger", "one")
FOOTPRINT = Footprint(APPLICATION, frozenset({"one.cluster.test"}), frozenset({"2200"}))

BASE = """
global
    log stdout format raw local0  # a comment
defaults
    mode http
    timeout connect 5s
backend to-us
    server it 10.0.0.2:80 check
backend to-others
    server it 10.0.0.3:80
backend to-no-one
"""


def routes(frontends: str) -> list[Route]:
    return sorted(read_routes("core1", (BASE + frontends).encode(), FOOTPRINT))


def to_us(front: str = "http-in", match: str = "one.cluster.test") -> Route:
    return Route(front, "http", ("80",), match, "10.0.0.2:80")


@pytest.mark.parametrize(
    "rule",
    [
        "use_backend to-us if { hdr(host) -i one.cluster.test }",
        "use_backend to-us if { req.hdr(Host) -i one.cluster.test }",
        "use_backend to-us if { hdr(host) -i -m str one.cluster.test }",
        "use_backend to-us if { hdr_dom(host) -i one.cluster.test }",
        "use_backend to-us if { req.hdr(host),lower,field(1,:) One.cluster.test }",
        "use_backend to-us if { hdr(host) -i one.cluster.test:80 }",
        "use_backend to-us if { hdr(host) -i two.cluster.test one.cluster.test }",
        "use_backend to-us if other || { hdr(host) one.cluster.test }",
        "use_backend to-us if { hdr(host) one.cluster.test } or other",
        "acl ours hdr(host) -i one.cluster.test\n use_backend to-us if ours",
        "acl ours hdr(host) two\n acl ours hdr(host) one.cluster.test\n use_backend to-us if ours",
        "use_backend 'to-us' if { hdr(host) -i 'one.cluster.test' } # comment",
    ],
)
def test_every_common_way_to_select_by_host_is_read(rule: str) -> None:
    acl = "acl other hdr(host) -i x.cluster.test\n"
    assert routes(f"frontend http-in\n bind *:80\n {acl} {rule}\n") == [to_us()]


@pytest.mark.parametrize("fetch", ["req_ssl_sni", "req.ssl_sni", "ssl_fc_sni"])
def test_every_common_way_to_select_by_sni_is_read(fetch: str) -> None:
    found = routes(
        "frontend https-in\n mode tcp\n bind :443\n tcp-request inspect-delay 2s\n"
        " tcp-request content accept if { req.ssl_hello_type 1 }\n"
        f" use_backend to-us if {{ {fetch} -i one.cluster.test }}\n"
    )
    assert found == [Route("", "tcp", ("443",), "one.cluster.test", "10.0.0.2:80")]


@pytest.mark.parametrize("rule", ["default_backend to-us", "use_backend to-us"])
def test_an_own_port_is_found_by_its_bind(rule: str) -> None:
    found = routes(f"frontend any-name\n mode tcp\n bind 0.0.0.0:2200,[::]:2200\n {rule}\n")
    assert found == [Route("", "tcp", ("2200",), "", "10.0.0.2:80")]


def test_a_listen_section_is_front_and_backend() -> None:
    found = routes("listen files\n bind *:2200\n mode tcp\n server a 10.0.0.4:2200\n")
    assert found == [Route("", "tcp", ("2200",), "", "10.0.0.4:2200")]


def test_the_containers_of_the_application_give_it_away() -> None:
    found = routes(
        f"backend ours\n server a {APPLICATION.project}-web-1:80\n"
        f"frontend x\n bind :81\n use_backend ours if {{ hdr(host) forgotten.cluster.test }}\n"
    )
    expected = f"{APPLICATION.project}-web-1:80"
    assert found == [Route("", "http", ("81",), "forgotten.cluster.test", expected)]


def test_others_routes_are_not_ours() -> None:
    assert not routes(
        "frontend http-in\n bind *:80\n acl path path_beg /x\n use_backend to-others if path\n"
        " use_backend to-others if { hdr(host) -i two.cluster.test } !path\n"
        " default_backend to-others\n"
    )


def test_of_a_rule_for_several_domains_only_ours_is_given() -> None:
    rule = "use_backend to-us if { hdr(host) one.cluster.test two.cluster.test }"
    assert routes(f"frontend http-in\n bind *:80\n {rule}\n") == [to_us()]


def test_a_backend_without_servers_leads_nowhere() -> None:
    rule = "use_backend to-no-one if { hdr(host) one.cluster.test }"
    (found,) = routes(f"frontend http-in\n bind *:80\n {rule}\n")
    assert found.server == "nowhere"


def test_modes_come_from_the_defaults_above_or_by_name() -> None:
    config = parse_haproxy(
        "defaults plain\n mode tcp\ndefaults web from plain\n mode http\n"
        "frontend a\n bind :1\nfrontend b from plain\n bind :2\n"
        "frontend c from plain\n mode http\n bind :3\ndefaults\nfrontend d\n bind :4\n"
    )
    assert [front.mode for front in config.fronts] == ["http", "tcp", "http", "tcp"]


@pytest.mark.parametrize(
    ("frontends", "message"),
    [
        (
            "use_backend to-us if { hdr(host) one.cluster.test } { path_beg /x }",
            "more than a domain",
        ),
        ("use_backend to-us if ours !path", "more than a domain"),
        ("use_backend to-us unless ours", "more than a domain"),
        ("use_backend to-us if !ours", "more than a domain"),
        ("use_backend to-us if { hdr_reg(host) one.cluster.test }", "more than a domain"),
        ("use_backend to-us if { hdr(host) -m end one.cluster.test }", "more than a domain"),
        ("use_backend nothing if ours", "no backend nothing"),
        ("use_backend %[req.hdr(host),lower,map(/etc/hosts.map)]", "by an expression"),
        ("use_backend backup if ours", "more than a plain server"),
        ("use_backend template if ours", "more than a plain server"),
        ("use_backend", "an argument is missing"),
        ("use_backend 'open if ours", "No closing quotation"),
        (".if defined(X)", "conditional blocks"),
    ],
)
def test_what_routes_ours_and_is_not_understood_is_refused(frontends: str, message: str) -> None:
    text = (
        "backend backup\n server a 10.0.0.2:80 backup\n"
        "backend template\n server-template a 3 10.0.0.2:80\n"
        "frontend http-in\n bind *:80\n acl ours hdr(host) one.cluster.test\n"
        f" acl path path_beg /x\n {frontends}\n"
    )
    with pytest.raises(NodeError, match=f"core1: HAProxy's configuration: .*{message}"):
        routes(text)


def test_a_configuration_that_is_no_text_is_refused() -> None:
    with pytest.raises(NodeError, match="core1: HAProxy's configuration"):
        read_routes("core1", b"\xff\xfe", FOOTPRINT)


@pytest.mark.parametrize(
    ("address", "written"),
    [
        ("*:80", "80"),
        (":80", "80"),
        ("0.0.0.0:80", "80"),
        ("[::]:80", "80"),
        (":::80", "80"),
        ("ipv4@*:80", "80"),
        ("127.0.0.1:80", "127.0.0.1:80"),
        ("/run/x.sock", "/run/x.sock"),
    ],
)
def test_all_addresses_are_written_as_the_port_alone(address: str, written: str) -> None:
    assert normal_bind(address) == written


@pytest.mark.parametrize(
    ("bind", "ports"),
    [
        ("80", {80}),
        ("2200-2202", {2200, 2201, 2202}),
        ("127.0.0.1:80", {80}),
        ("[::1]:7-8", {7, 8}),
        ("/run/2200", set()),
    ],
)
def test_an_address_tells_its_ports(bind: str, ports: set[int]) -> None:
    assert ports_of([bind]) == ports


def test_the_ports_of_several_addresses_are_joined() -> None:
    assert ports_of(["80", "443"]) == {80, 443}


# --- fuzzing --------------------------------------------------------------------------------

LABEL = st.from_regex(r"[a-z][a-z0-9]{0,8}", fullmatch=True)
DOMAIN = st.builds(lambda *parts: ".".join(parts), LABEL, LABEL)
FETCH = st.sampled_from(["hdr(host) -i", "req.hdr(host)", "hdr_dom(host)", "req.ssl_sni -i"])


@given(st.text(max_size=400))
def test_any_text_is_read_or_refused(text: str) -> None:
    with contextlib.suppress(HaproxySyntaxError):
        parse_haproxy(text)


WORDS = st.sampled_from(
    [
        "frontend",
        "backend",
        "listen",
        "defaults",
        "from",
        "bind",
        "acl",
        "use_backend",
        "default_backend",
        "server",
        "mode",
        "tcp",
        "if",
        "unless",
        "{",
        "}",
        "!",
        "||",
        "or",
        "a",
        "b",
        "hdr(host)",
        "-i",
        "-m",
        "--",
        "a.b",
        ":",
        "*:80",
        "'x'",
        "10.0.0.1:80",
    ]
)


@given(st.lists(st.lists(WORDS, min_size=1, max_size=8), max_size=12))
def test_any_lines_of_known_words_are_read_or_refused(lines: list[list[str]]) -> None:
    text = "\n".join(" ".join(line) for line in lines)
    with contextlib.suppress(HaproxySyntaxError):
        config = parse_haproxy(text)
        assert len(config.fronts) == sum(line[0] in {"frontend", "listen"} for line in lines)


@given(st.dictionaries(DOMAIN, LABEL, min_size=1, max_size=5), FETCH, st.booleans())
def test_what_is_rendered_is_read_back(rules: dict[str, str], fetch: str, named: bool) -> None:  # noqa: FBT001
    lines = ["frontend f", " bind *:80"]
    for number, (domain, backend) in enumerate(rules.items()):
        if named:
            lines += [f" acl a{number} {fetch} {domain}", f" use_backend {backend} if a{number}"]
        else:
            lines += [f" use_backend {backend} if {{ {fetch} {domain} }}"]
    for backend in set(rules.values()):
        lines += [f"backend {backend}", f" server s 10.0.0.9:{len(backend)}"]
    config = parse_haproxy("\n".join(lines)).fronts[0]
    assert {rule.condition.domains: rule.backend for rule in config.rules} == {
        (domain,): backend for domain, backend in rules.items()
    }


@given(st.lists(DOMAIN, min_size=1, max_size=4), st.lists(DOMAIN, min_size=1, max_size=4))
def test_alternatives_join_and_conjunctions_are_unclear(one: list[str], two: list[str]) -> None:
    assume(set(one) != set(two))
    first, second = ["{", "hdr(host)", *one, "}"], ["{", "hdr(host)", *two, "}"]
    joined = read_condition(["if", *first, "||", *second], {})
    assert set(joined.domains) == {*one, *two}
    both = read_condition(["if", *first, *second], {})
    assert both.unclear
    assert set(both.mentioned) == {*one, *two}


def test_an_acl_without_values_or_with_a_pattern_is_unclear() -> None:
    assert read_acl(["hdr(host)", "-i"]).unclear
    assert read_acl(["hdr(host)", "-m", "found"]).unclear
    assert read_acl(["hdr(host)", "-f", "hosts.lst"]).unclear
    assert read_acl([]).unclear


def test_no_condition_is_always_met() -> None:
    assert read_condition([], {}).always
    assert Condition().always
    assert read_condition(["if", "TRUE"], {}).unclear
