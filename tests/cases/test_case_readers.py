"""What the cases read, as far as it can be checked without a cluster."""

from __future__ import annotations

import http.server
import json
import socket
import ssl
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from cluster_tests.definition.compose import declared_checks
from cluster_tests.errors import DefinitionError, FrontError
from cluster_tests.foundation.facts import furthest_apart
from cluster_tests.fronts.echo import Echo
from cluster_tests.fronts.front import Front
from cluster_tests.fronts.keys import Certificate, generate_certificate
from cluster_tests.givens.maintenance import in_maintenance
from cluster_tests.inventory.entries import Forge
from cluster_tests.lab.plan import LabPlan
from cluster_tests.model import Application, Footprint, NodeView, Observation, Route, Site
from cluster_tests.proxies.caddy import MAINTENANCE
from cluster_tests.timeline.clocks import Offset

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = json.dumps({"version": "one", "seen": {}, "kept": ["a"], "asked": {}}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Keep the tests' output clean."""


@contextmanager
def serving(directory: Path, certificate: Certificate | None = None) -> Iterator[Front]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    if certificate is not None:
        for name, text in (("public", certificate.public), ("private", certificate.private)):
            (directory / name).write_text(text)
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(directory / "public", directory / "private")
        server.socket = context.wrap_socket(
            server.socket, server_side=True, do_handshake_on_connect=False
        )
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield Front("core1", lambda _port: ("127.0.0.1", server.server_address[1]), timeout=5)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_a_certificate_vouches_for_its_domains_alone(tmp_path: Path) -> None:
    certificate = generate_certificate("a.test")
    with serving(tmp_path, certificate) as front:
        assert front.https("tls.a.test", "/", certificate.public).status == 200
        with pytest.raises(FrontError, match="certificate"):
            front.https("tls.b.test", "/", certificate.public)
        with pytest.raises(FrontError, match="certificate"):
            front.https("tls.a.test", "/", generate_certificate("a.test").public)


def test_an_echo_is_told_from_another_version(tmp_path: Path) -> None:
    with serving(tmp_path) as front:
        assert Echo(front, "a.test", "one").show().kept == ("a",)
        with pytest.raises(FrontError, match="not the echo two"):
            Echo(front, "a.test", "two").show()


def test_a_line_is_answered_until_the_other_side_closes() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            with server.accept()[0] as connection:
                connection.sendall(b"heard " + connection.makefile("rb").readline())

        thread = threading.Thread(target=answer)
        thread.start()
        front = Front("core1", lambda _port: server.getsockname(), timeout=5)
        assert front.exchange(2200, b"this") == b"heard this\n"
        thread.join()


def test_nodes_reach_the_forge_over_ssh_by_the_name_they_fetch_from() -> None:
    forge = Forge.model_construct(
        fetch_url="http://forge/git",
        push_url="ssh://git@127.0.0.1:32805/srv/git",
        registry="forge:5000",
    )
    assert forge.fetch_url_over_ssh == "ssh://git@forge/srv/git"


@pytest.mark.parametrize("text", ['{"service": {"checks": [%s]}}', '{"checks": [%s]}'])
def test_the_checks_of_a_service_json_are_read(text: str) -> None:
    assert declared_checks(text % '{"http": "http://a/b"}') == ("http://a/b",)


@pytest.mark.parametrize("text", ["[]", '{"checks": 1}', '{"checks": [{"tcp": "a:1"}]}'])
def test_a_service_json_of_another_kind_is_refused(text: str) -> None:
    with pytest.raises(DefinitionError, match=r"service\.json"):
        declared_checks(text)


def test_clocks_are_as_far_apart_as_they_may_be() -> None:
    offsets = {"core1": Offset(-0.01, 0.02), "core2": Offset(0.3, 0.4), "core3": Offset(0, 0.1)}
    assert furthest_apart(offsets) == pytest.approx(0.41)


def test_every_service_has_a_repository_whether_it_has_images_or_not() -> None:
    assert {path.name for path in LabPlan().services} >= {"ledger", "echo", "doors", "quiet"}


def test_maintenance_takes_the_own_fronts_and_the_sites_and_nothing_else() -> None:
    shared = Route("http-in", "http", ("80",), "a.test", "172.30.77.11:80")
    own = Route("ssh", "tcp", ("2200",), "", "172.30.77.11:2200")
    view = NodeView(routes=frozenset({shared, own}), sites=frozenset({Site("a.test", "app:80")}))
    footprint = Footprint(Application("http://forge/git/a", "main"), ports=frozenset({"2200"}))

    found = in_maintenance(Observation({"core1": view}), footprint)

    assert found.maintenance
    assert found.nodes["core1"].routes == {shared}
    assert found.nodes["core1"].sites == {Site("a.test", MAINTENANCE)}
