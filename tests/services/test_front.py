"""A front as a client sees it: one request, one answer, or an error that names the node."""

from __future__ import annotations

import socket
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING

import pytest
from sftp_server import sftp_server

from cluster_tests.errors import FrontError
from cluster_tests.fronts.front import Front
from cluster_tests.fronts.keys import generate_keys

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

Address = tuple[str, int]


class Echo(BaseHTTPRequestHandler):
    """Answers with what it was asked; ``/moved`` with a redirect."""

    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.send_response(302 if self.path == "/moved" else 200)
        self.send_header("Location", "http://127.0.0.1:1/")
        self.send_header("X-Asked", f"{self.command} {self.headers['Host']}{self.path}")
        self.end_headers()
        self.wfile.write(body)

    do_PUT = do_GET  # noqa: N815 - http.server's naming

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def echo() -> Iterator[Address]:
    with HTTPServer(("127.0.0.1", 0), Echo) as server:
        thread = threading.Thread(target=server.serve_forever, args=[0.01])
        thread.start()
        yield "127.0.0.1", server.server_port
        server.shutdown()
        thread.join()


@contextmanager
def answering(answer: Callable[[socket.socket], object]) -> Iterator[Address]:
    """Accept one connection and treat it as told."""

    def serve() -> None:
        connection, _ = listener.accept()
        with connection:
            answer(connection)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(5)  # whoever never connects fails the test instead of hanging it
        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield listener.getsockname()
        finally:
            thread.join()


def front(address: Address, timeout: float = 5) -> Front:
    return Front("core1", lambda _port: address, timeout)


def unused() -> Address:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address: Address = listener.getsockname()
        return address


# --- HTTP -----------------------------------------------------------------------------------


def test_asks_for_the_domain_at_the_address_it_is_given(echo: Address) -> None:
    answer = front(echo).http("a.test", "/x?y=1", method="PUT", body=b"\0body")

    assert answer.status == 200
    assert answer.headers["x-asked"] == "PUT a.test/x?y=1"
    assert answer.body == b"\0body"
    assert 0 < answer.seconds < 5


def test_asks_at_the_port_that_was_asked_for(echo: Address) -> None:
    asked: list[int] = []

    def address_of(port: int) -> Address:
        asked.append(port)
        return echo

    Front("core1", address_of, 5).http("a.test")
    Front("core1", address_of, 5).http("a.test", port=8080)
    assert asked == [80, 8080]


def test_follows_no_redirect(echo: Address) -> None:
    answer = front(echo).http("a.test", "/moved")
    assert (answer.status, answer.headers["location"]) == (302, "http://127.0.0.1:1/")


def test_no_proxy_of_the_users_answers_in_its_place(
    echo: Address, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    monkeypatch.setenv("no_proxy", "")
    assert front(echo).http("a.test").status == 200


def test_a_front_that_refuses_is_named() -> None:
    with pytest.raises(FrontError, match=r"core1: GET http://a\.test/: .*refused") as caught:
        front(unused()).http("a.test")
    assert caught.value.node == "core1"


@pytest.mark.parametrize(
    "answer",
    [
        lambda _connection: None,
        lambda connection: connection.recv(4096),
        lambda connection: connection.sendall(b"what?\r\n\r\n"),
        lambda connection: connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"),
    ],
    ids=["closes", "reads and closes", "speaks no HTTP", "answers by half"],
)
def test_a_front_that_gives_no_whole_answer_is_named(
    answer: Callable[[socket.socket], object],
) -> None:
    with answering(answer) as address, pytest.raises(FrontError, match="core1: GET"):
        front(address).http("a.test")


def test_a_front_that_says_nothing_is_too_late() -> None:
    with (
        answering(lambda connection: connection.recv(4096) and connection.recv(1)) as address,
        pytest.raises(FrontError, match="timed out"),
    ):
        front(address, timeout=0.1).http("a.test")


# --- SFTP -----------------------------------------------------------------------------------


@pytest.fixture
def root(tmp_path: Path) -> Path:
    files = tmp_path / "files"
    (files / "directory").mkdir(parents=True)
    (files / "1").write_bytes(b"one")
    (files / "2").write_bytes(b"\0" * 100_000)
    (files / ".3.part").write_bytes(b"half")
    return tmp_path


def test_reads_the_whole_files_of_a_directory(root: Path) -> None:
    keys = generate_keys()
    with sftp_server(root, keys, keys) as address:
        assert front(address).files(2200, keys, "/files") == {"1": b"one", "2": b"\0" * 100_000}


def test_a_server_with_another_host_key_is_refused(root: Path) -> None:
    keys = generate_keys()
    with (
        sftp_server(root, generate_keys(), keys) as address,
        pytest.raises(FrontError, match=r"core1: SFTP at port 2200: SSH: .*[Hh]ost key"),
    ):
        front(address).files(2200, keys, "/files")


def test_a_server_that_does_not_know_the_client_is_no_front_of_ours(root: Path) -> None:
    keys = generate_keys()
    with (
        sftp_server(root, keys, generate_keys()) as address,
        pytest.raises(FrontError, match="Authentication failed"),
    ):
        front(address).files(2200, keys, "/files")


def test_a_directory_that_is_not_there_is_an_error_and_not_empty(root: Path) -> None:
    keys = generate_keys()
    with (
        sftp_server(root, keys, keys) as address,
        pytest.raises(FrontError, match="No such file"),
    ):
        front(address).files(2200, keys, "/nothing")


def test_an_ssh_route_that_refuses_is_named() -> None:
    with pytest.raises(FrontError, match=r"core1: SFTP at port 2200: .*refused"):
        front(unused()).files(2200, generate_keys(), "/files")


def test_a_route_that_is_accepted_and_closed_is_an_error() -> None:
    with answering(lambda _connection: None) as address, pytest.raises(FrontError, match="SSH"):
        front(address).files(2200, generate_keys(), "/files")


def test_a_closed_port_refuses() -> None:
    assert front(unused()).refuses(22)


def test_a_tunnel_whose_far_end_refuses_ends_wordlessly() -> None:
    with answering(lambda _connection: None) as address:
        assert front(address).refuses(22)


def test_who_speaks_does_not_refuse() -> None:
    with answering(lambda connection: connection.sendall(b"SSH-2.0-x\r\n")) as address:
        assert not front(address).refuses(22)


def test_a_refusal_told_by_the_tunnel_is_one_and_its_breaking_is_none() -> None:
    def refused(_port: int) -> Address:
        raise FrontError("core1", "cannot reach 10.0.0.1:2200: Connection refused")

    def late(_port: int) -> Address:
        raise FrontError("core1", "cannot reach 10.0.0.1:2200: Connection timed out")

    assert Front("core1", refused, 1).refuses(2200)
    with pytest.raises(FrontError, match="timed out"):
        Front("core1", late, 1).refuses(2200)


def test_silence_is_neither() -> None:
    ended = threading.Event()
    with answering(lambda _connection: ended.wait(5)) as address:
        try:
            with pytest.raises(FrontError, match="connecting to port 22"):
                front(address, timeout=0.1).refuses(22)
        finally:
            ended.set()
