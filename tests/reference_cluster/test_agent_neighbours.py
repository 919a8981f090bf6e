"""The agent's HTTP clients, against a real server on a UNIX socket with scripted answers."""

from __future__ import annotations

import base64
import http.server
import json
import socketserver
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
from switch_agent.consul import Consul, Operation
from switch_agent.engine import Container, Engine
from switch_agent.errors import BrokenError, UnreachableError
from switch_agent.plugin import Plugin
from switch_agent.schedules import Job
from switch_agent.web import Endpoint

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@dataclass
class Server:
    """Gives ``answers`` in turn, the last one for ever; keeps what was asked."""

    endpoint: Endpoint
    answers: list[tuple[int, object]] = field(default_factory=list)
    asked: list[tuple[str, str, Any]] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)

    def answer(self, value: object = "", status: int = 200) -> None:
        self.answers.append((status, value))

    def next(self) -> tuple[int, bytes]:
        status, value = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return status, value if isinstance(value, bytes) else json.dumps(value).encode()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    path = str(tmp_path / "socket")
    found = Server(Endpoint("the server", path, timeout=10))

    class Handler(http.server.BaseHTTPRequestHandler):
        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            found.asked.append((self.command, self.path, json.loads(body) if body else None))
            status, answer = found.next()
            self.send_response(status)
            for name, value in found.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        do_GET = do_PUT = do_POST = do_DELETE = answer  # noqa: N815 - http.server names them

        def log_message(self, *_: object) -> None:
            """Be quiet."""

        def address_string(self) -> str:
            return "socket"

    with socketserver.ThreadingUnixStreamServer(path, Handler) as listening:
        thread = threading.Thread(target=listening.serve_forever, args=(0.01,))
        thread.start()
        yield found
        listening.shutdown()
        thread.join()


def entry(key: str, value: object, flags: int = 0) -> dict[str, object]:
    encoded = base64.b64encode(json.dumps(value).encode()).decode()
    return {"Key": key, "Value": encoded, "Flags": flags}


# --- Consul ---------------------------------------------------------------------------------


def consul(server: Server, patience: float = 10) -> Consul:
    return Consul(server.endpoint, patience=patience, pause=lambda _: None)


def test_a_key_is_read_with_its_flags(server: Server) -> None:
    server.answer([entry("app/x y", {"a": 1}, 7)])
    found = consul(server).get("app/x y")
    assert found is not None
    assert (found.json(), found.flags) == ({"a": 1}, 7)
    assert server.asked[0][1] == "/v1/kv/app/x%20y?consistent"


def test_a_key_that_is_not_there_is_none(server: Server) -> None:
    server.answer(status=404)
    assert consul(server).get("x") is None


def test_a_tree_blocks_from_the_index_it_is_given(server: Server) -> None:
    server.headers = {"X-Consul-Index": "12"}
    server.answer([entry("a/b", 1)])
    index, entries = consul(server).tree("a/", 5, 1.5)
    assert (index, list(entries)) == (12, ["a/b"])
    assert server.asked[0][1] == "/v1/kv/a/?recurse&index=5&wait=1500ms"


def test_a_wait_of_nothing_is_not_consuls_default_of_minutes(server: Server) -> None:
    server.answer([])
    consul(server).tree("a/", 5, 0)
    assert server.asked[0][1].endswith("wait=1ms")


def test_an_index_that_goes_backwards_starts_again(server: Server) -> None:
    server.headers = {"X-Consul-Index": "3"}
    server.answer(status=404)
    assert consul(server).tree("a/", 5, 1) == (0, {})


def test_without_a_leader_it_asks_again(server: Server) -> None:
    server.answer(b"No cluster leader", 500)
    server.answer(b"No cluster leader", 500)
    server.answer(b"true")
    consul(server).put("x", 1)
    assert len(server.asked) == 3


def test_without_a_leader_for_long_it_fails(server: Server) -> None:
    server.answer(b"No cluster leader", 500)
    with pytest.raises(BrokenError, match="500 No cluster leader"):
        consul(server, patience=0).put("x", 1)


def test_a_refusal_is_an_error_at_once(server: Server) -> None:
    server.answer(b"Invalid service address", 400)
    with pytest.raises(BrokenError, match="Invalid service address"):
        consul(server).register({"Name": "x"})
    assert len(server.asked) == 1


def test_checks_that_begin_anew_are_dropped_before(server: Server) -> None:
    server.answer()
    service = {"Name": "shop", "Checks": [{"CheckID": "shop:0"}, {"CheckID": "shop:1"}]}
    consul(server).register_anew(service)
    assert [path for _, path, _ in server.asked] == [
        "/v1/agent/check/deregister/shop%3A0",
        "/v1/agent/check/deregister/shop%3A1",
        "/v1/agent/service/register?replace-existing-checks=true",
    ]


@pytest.mark.parametrize(("status", "done"), [(200, True), (409, False)])
def test_a_transaction_is_done_or_not(server: Server, *, status: int, done: bool) -> None:
    server.answer({}, status)
    operations = [Operation("check-not-exists", "a"), Operation("set", "b", {"x": 1}, 5)]
    assert consul(server).transact(operations) is done
    assert server.asked[0][2] == [
        {"KV": {"Verb": "check-not-exists", "Key": "a"}},
        {"KV": {"Verb": "set", "Key": "b", "Value": "eyJ4IjogMX0=", "Flags": 5}},
    ]


def test_only_a_registered_service_is_deregistered(server: Server) -> None:
    server.answer({"other": {}})
    consul(server).deregister("shop")
    assert [path for _, path, _ in server.asked] == ["/v1/agent/services"]


def test_living_members_are_alive(server: Server) -> None:
    server.answer([{"Name": "core1", "Status": 1}, {"Name": "core2", "Status": 4}])
    assert consul(server).alive() == {"core1"}


def test_nobody_at_the_address_is_told() -> None:
    with pytest.raises(UnreachableError, match="the server does not answer"):
        Endpoint("the server", "/nonexistent/socket").ask("GET", "/")


# --- the volume plugin ----------------------------------------------------------------------


def plugin(server: Server, tmp_path: Path) -> Plugin:
    return Plugin(server.endpoint, tmp_path / "lock", sending=10)


def test_the_plugin_tells_the_snapshots_name(server: Server, tmp_path: Path) -> None:
    server.answer({"Err": "", "Snapshot": "v@1"})
    assert plugin(server, tmp_path).snapshot("v") == "v@1"
    assert server.asked == [("POST", "/VolumeDriver.Snapshot", {"Name": "v"})]


@pytest.mark.parametrize("status", [200, 500])
def test_what_the_plugin_reports_is_an_error(server: Server, tmp_path: Path, status: int) -> None:
    server.answer({"Err": "No such volume: v"}, status)
    with pytest.raises(BrokenError, match="No such volume"):
        plugin(server, tmp_path).snapshot("v")


def test_a_restore_names_snapshot_and_volume(server: Server, tmp_path: Path) -> None:
    server.answer({"Err": "", "VolumeBackup": "v@2"})
    assert plugin(server, tmp_path).restore("v@1", "v") == "v@2"
    assert server.asked[0][2] == {"Name": "v@1", "Target": "v"}


def test_jobs_are_dropped_before_others_are_added(server: Server, tmp_path: Path) -> None:
    server.answer({"Err": ""})
    plugin(server, tmp_path).reschedule([Job("v", "snapshot", 60)], [Job("v", "purge:x", 5)])
    assert [body for _, _, body in server.asked] == [
        {"Name": "v", "Action": "snapshot", "Timer": "0"},
        {"Name": "v", "Action": "purge:x", "Timer": "5"},
    ]


# --- the engine -----------------------------------------------------------------------------


def test_containers_are_those_of_the_project(server: Server) -> None:
    server.answer(
        [
            {
                "Id": "1",
                "Names": ["/shop-web-1"],
                "Labels": {"com.docker.compose.service": "web"},
                "NetworkSettings": {"Networks": {"shop_default": {}}},
            }
        ]
    )
    assert Engine(server.endpoint).containers("shop") == [
        Container("1", "shop-web-1", "web", frozenset({"shop_default"}))
    ]
    assert "com.docker.compose.project%3Dshop%22" in server.asked[0][1]


@pytest.mark.parametrize("status", [204, 404])
def test_what_is_gone_is_removed(server: Server, status: int) -> None:
    server.answer(status=status)
    Engine(server.endpoint).remove_volume("v")
    assert server.asked[0][:2] == ("DELETE", "/v1.41/volumes/v")


def test_what_cannot_be_removed_is_an_error(server: Server) -> None:
    server.answer({"message": "volume is in use"}, 409)
    with pytest.raises(BrokenError, match="volume is in use"):
        Engine(server.endpoint).remove_volume("v")


def test_deaths_tell_name_and_exit_code(server: Server) -> None:
    attributes = {"name": "shop-web-1", "exitCode": "3"}
    server.answer(json.dumps({"Actor": {"Attributes": attributes}}).encode() + b"\n")
    (death,) = Engine(server.endpoint).deaths("shop", 1, 2)
    assert (death.name, death.exit_code) == ("shop-web-1", "3")


def test_last_words_come_without_frames(server: Server) -> None:
    server.answer(b"\1\0\0\0\0\0\0\3hi\n\2\0\0\0\0\0\0\4bye\n")
    assert Engine(server.endpoint).last_words("c") == "hi bye"


def test_a_terminals_last_words_have_no_frames(server: Server) -> None:
    server.answer(b"hello\r\nthere")
    assert Engine(server.endpoint).last_words("c") == "hello there"


def test_a_disabled_plugin_is_an_error(server: Server) -> None:
    server.answer({"Id": "abc", "Enabled": False})
    with pytest.raises(BrokenError, match="disabled"):
        Engine(server.endpoint).plugin_id("anybox/buttervolume:latest")
