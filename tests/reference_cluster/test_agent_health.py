"""The agent asks what Consul will ask, until it is answered well or its patience ends."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING

import pytest
from switch_agent import checks
from switch_agent.health import await_all_well, is_well

if TYPE_CHECKING:
    from collections.abc import Iterator


class Answering(BaseHTTPRequestHandler):
    """Answers with the status that the path says."""

    def do_GET(self) -> None:
        self.send_response(int(self.path[1:]))
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def address() -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), Answering) as server:
        thread = threading.Thread(target=server.serve_forever, args=[0.01])
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(("status", "well"), [(200, True), (204, True), (404, False), (503, False)])
def test_a_2xx_is_well(address: str, status: int, *, well: bool) -> None:
    assert is_well(f"{address}/{status}", 5) is well


def test_who_does_not_answer_is_not_well() -> None:
    assert not is_well("http://127.0.0.1:1/", 1)
    assert not is_well("no url at all", 1)


class Time:
    now = 0.0

    def pause(self, seconds: float) -> None:
        self.now += seconds


def test_only_those_that_were_not_well_are_asked_again() -> None:
    time, asked = Time(), list[str]()

    def ask(url: str, _timeout: float) -> bool:
        asked.append(url)
        return url == "a" or time.now > 0.05

    unwell = await_all_well(["a", "b", "a"], 5, ask=ask, clock=lambda: time.now, pause=time.pause)
    assert unwell == []
    assert asked == ["a", "b", "b", "b", "b"]


def test_patience_ends() -> None:
    time = Time()
    unwell = await_all_well(
        ["a"], 1, ask=lambda _url, _timeout: False, clock=lambda: time.now, pause=time.pause
    )
    assert unwell == ["a"]
    assert 1 <= time.now < 1.1


def test_a_check_may_begin_as_the_agent_found_it() -> None:
    service = checks.service("shop", ["http://shop/"], "1s", "2s")
    assert ["Status" in check for check in service["Checks"]] == [False]
    assert [check["Status"] for check in checks.passing(service)["Checks"]] == ["passing"]
