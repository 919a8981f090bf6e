from __future__ import annotations

import base64
import gc
import http.server
import json
import re
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cluster_tests.consul.store import EVENT_LIMIT, ConsulStore, event_size
from cluster_tests.consul.watch import ConsulWatch
from cluster_tests.errors import ConsulError, EventTooLargeError, HarnessError
from cluster_tests.model import Application, Check, Registration
from cluster_tests.waiting.signals import Sources
from cluster_tests.waiting.waiter import Bell
from cluster_tests.way import Way

if TYPE_CHECKING:
    from collections.abc import Iterator

APPLICATION = Application("http://forge/git/ledger", "feature/x y")


class Consul(http.server.ThreadingHTTPServer):
    """Answers ``/v1/...`` with a status and JSON; a query with an index waits for ``change``."""

    daemon_threads = False
    block_on_close = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answers: dict[str, tuple[int, object]] = {}
        self.asked: list[tuple[str, bytes]] = []
        self.index = 5
        self.changed = threading.Condition()
        self.loses: list[tuple[bool, str]] = []  # answers to lose: whether the request arrived
        self.events: list[dict[str, str | None]] = []

    def change(self, index: int) -> None:
        with self.changed:
            self.index = index
            self.changed.notify_all()


class _Handler(http.server.BaseHTTPRequestHandler):
    server: Consul
    protocol_version = "HTTP/1.1"

    def answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        path, _, query = self.path.partition("?")
        asked = f"{self.command} {path}"
        self.server.asked.append((asked, body))
        if (True, asked) in self.server.loses or (False, asked) in self.server.loses:
            arrived = (True, asked) in self.server.loses
            self.server.loses.remove((arrived, asked))
            if arrived and self.command == "PUT":
                self._keep(path, body)
            self.close_connection = True
            return
        if asked == "GET /v1/event/list":
            self.server.answers.setdefault(asked, (200, self.server.events))
        if found := re.search(r"index=(\d+)", query):
            with self.server.changed:
                self.server.changed.wait_for(lambda: self.server.index != int(found[1]), 5)
        status, value = self.server.answers.get(f"{self.command} {path}", (404, None))
        data = b"" if value is None else json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.send_header("X-Consul-Index", str(self.server.index))
        self.end_headers()
        self.wfile.write(data)

    def _keep(self, path: str, body: bytes) -> None:
        payload = base64.b64encode(body).decode()
        name = path.rpartition("/")[2]
        events = self.server.events
        events.append({"ID": f"event-{len(events)}", "Name": name, "Payload": payload})

    do_GET = do_PUT = do_DELETE = answer  # noqa: N815 - the names are the base class's

    def log_message(self, *_: object) -> None:
        """Keep the tests' output clean."""


@pytest.fixture
def consul() -> Iterator[Consul]:
    with Consul() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.change(-1)
        server.shutdown()
        thread.join()


@pytest.fixture
def store(consul: Consul) -> Iterator[ConsulStore]:
    store = ConsulStore("127.0.0.1", consul.server_port, 2)
    yield store
    store.close()


def entry(key: str, value: bytes) -> list[dict[str, Any]]:
    return [{"Key": key, "Value": base64.b64encode(value).decode()}]


RECORD = "GET /v1/kv/app/ledger_feature/x%20y.33cca"


def test_the_record_is_read(consul: Consul, store: ConsulStore) -> None:
    consul.answers[RECORD] = (200, entry(APPLICATION.record_key, b'{"master": "core1"}'))
    assert store.record(APPLICATION) == {"master": "core1"}


def test_no_record_is_none(store: ConsulStore) -> None:
    assert store.record(APPLICATION) is None
    assert store.in_maintenance(APPLICATION) is False
    assert store.migrations(APPLICATION) == {}
    assert store.records() == ()


def test_all_records_are_read_by_name(consul: Consul, store: ConsulStore) -> None:
    found = entry("app/a_b.1", b'{"master": "core1"}') + entry("app/c/d.2", b"{}")
    consul.answers["GET /v1/kv/app/"] = (200, found)
    assert store.all_records() == {"a_b.1": {"master": "core1"}, "c/d.2": {}}


def test_events_are_given_as_a_watch_hands_them_over(consul: Consul, store: ConsulStore) -> None:
    events = [
        {"ID": "one", "Name": "deploy", "Payload": "e30=", "LTime": 3},
        {"ID": "two", "Name": "deploy", "Payload": None, "LTime": 4},
    ]
    consul.answers["GET /v1/event/list"] = (200, events)
    assert store.events() == {"one": events[0], "two": events[1]}


@pytest.mark.parametrize("value", [b"{", b"[]", b"", b"\xff"])
def test_a_record_that_is_no_object_is_told(
    consul: Consul, store: ConsulStore, value: bytes
) -> None:
    consul.answers[RECORD] = (200, entry(APPLICATION.record_key, value))
    with pytest.raises(ConsulError, match=f"{APPLICATION.record_key} is no"):
        store.record(APPLICATION)


def test_the_flag_is_up_even_when_it_holds_nothing(consul: Consul, store: ConsulStore) -> None:
    key = APPLICATION.maintenance_key
    consul.answers["GET /v1/kv/maintenance/ledger_feature/x%20y.33cca"] = (
        200,
        [{"Key": key, "Value": None}],
    )
    assert store.in_maintenance(APPLICATION)


def test_an_event_is_fired_as_json(consul: Consul, store: ConsulStore) -> None:
    consul.answers["PUT /v1/event/fire/deploy"] = (200, {"ID": "an-id"})
    assert store.fire("deploy", {"slave": None}) == "an-id"
    assert consul.asked[-1] == ("PUT /v1/event/fire/deploy", b'{"slave":null}')


FIRE = "PUT /v1/event/fire/deploy"


@pytest.fixture
def breaking(consul: Consul) -> Iterator[ConsulStore]:
    """A store whose way breaks under every request that fails."""
    store = ConsulStore("127.0.0.1", consul.server_port, 2, Way("core1", lambda _: True))
    yield store
    store.close()
    # urllib3 closes a pool's connections once nobody knows the pool, and its errors know it.
    gc.collect()


def test_an_event_that_arrived_though_its_answer_was_lost_is_not_fired_again(
    consul: Consul, breaking: ConsulStore
) -> None:
    consul.events = [
        {"ID": "before", "Name": "deploy", "Payload": base64.b64encode(b"{}").decode()},
        {"ID": "a", "Name": "deploy", "Payload": None},
    ]
    consul.loses = [(True, FIRE)]
    assert breaking.fire("deploy", {}) == "event-2"
    assert [asked for asked, _ in consul.asked].count(FIRE) == 1


def test_an_event_that_did_not_arrive_is_fired_again(consul: Consul, breaking: ConsulStore) -> None:
    consul.events = [{"ID": "b", "Name": "deploy", "Payload": base64.b64encode(b"{}").decode()}]
    consul.answers[FIRE] = (200, {"ID": "an-id"})
    consul.loses = [(False, FIRE)]
    assert breaking.fire("deploy", {}) == "an-id"
    assert [asked for asked, _ in consul.asked].count(FIRE) == 2


def test_what_is_lost_without_the_way_is_an_error_and_fired_once(
    consul: Consul, store: ConsulStore
) -> None:
    consul.loses = [(False, FIRE)]
    with pytest.raises(ConsulError, match="firing the event deploy"):
        store.fire("deploy", {})
    assert [asked for asked, _ in consul.asked].count(FIRE) == 1


def test_a_question_that_broke_with_the_way_is_asked_again(
    consul: Consul, breaking: ConsulStore
) -> None:
    consul.answers[RECORD] = (200, entry(APPLICATION.record_key, b'{"master": "core1"}'))
    consul.loses = [(True, RECORD)] * 3
    assert breaking.record(APPLICATION) == {"master": "core1"}
    consul.loses = [(True, RECORD)] * 9
    with pytest.raises(ConsulError, match="reading app/"):
        breaking.record(APPLICATION)
    assert len(consul.loses) == 5  # it is not asked for ever


def test_an_event_too_large_is_refused_before_it_is_sent(
    consul: Consul, store: ConsulStore
) -> None:
    with pytest.raises(EventTooLargeError, match=f"Consul carries {EVENT_LIMIT}") as raised:
        store.fire("deploy", {"repo": "x" * 500})
    assert "shorten" in raised.value.remedy
    assert consul.asked == []


# Measured on Consul 1.8.7 with a young clock: the largest payload it takes under each name.
@pytest.mark.parametrize(("name", "largest"), [("d", 414), ("deploy", 404), ("a" * 40, 333)])
def test_the_size_is_consuls_own_but_for_the_clocks_growth(name: str, largest: int) -> None:
    assert event_size(name, "x" * largest) - 4 == EVENT_LIMIT


@given(st.text(max_size=80), st.text(max_size=300))
def test_the_size_counts_bytes_not_letters(name: str, payload: str) -> None:
    size = event_size(name, payload)
    assert size > 2 * len(name.encode()) + len(payload.encode())
    assert event_size(name, payload + "é") == size + 2


def test_registrations_carry_their_checks_but_not_the_nodes(
    consul: Consul, store: ConsulStore
) -> None:
    def check(service: str, status: str, output: str) -> dict[str, str]:
        return {"ServiceID": service, "Status": status, "Output": output}

    consul.answers["GET /v1/health/service/ledger_feature/x%20y.33cca"] = (
        200,
        [
            {
                "Node": {"Node": "core2"},
                "Checks": [
                    check("", "passing", "Agent alive and reachable"),
                    check("l", "passing", "HTTP GET http://a/b: 200 OK Output: x"),
                    check("l", "critical", 'Get "http://c/": dial tcp: refused'),
                    check("l", "critical", ""),
                ],
            }
        ],
    )
    assert store.registrations(APPLICATION) == {
        Registration(
            "core2",
            (
                Check("", "critical"),
                Check("http://a/b", "passing"),
                Check("http://c/", "critical"),
            ),
        )
    }


def test_no_leader_is_an_error_with_a_remedy(consul: Consul, store: ConsulStore) -> None:
    consul.answers["GET /v1/status/leader"] = (200, "")
    with pytest.raises(ConsulError, match="Consul has no leader") as raised:
        store.require_leader()
    assert "consul members" in raised.value.remedy


def test_what_consul_refuses_is_told(consul: Consul, store: ConsulStore) -> None:
    consul.answers[RECORD] = (500, "No cluster leader")
    with pytest.raises(ConsulError, match=r"(?s)reading app/.*500.*No cluster leader"):
        store.record(APPLICATION)


def test_a_consul_that_is_not_there_is_told() -> None:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        port = bound.getsockname()[1]
    store = ConsulStore("127.0.0.1", port, 1)
    with pytest.raises(ConsulError, match=f"does not answer at 127.0.0.1:{port}") as raised:
        store.require_leader()
    assert raised.value.remedy
    store.close()


def test_a_consul_that_is_silent_is_given_up_in_time() -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        way = Way("core3", lambda _: False)
        store = ConsulStore("127.0.0.1", silent.getsockname()[1], 0.1, way)
        with pytest.raises(ConsulError, match=r"leader: core3: Consul gave no answer in 0\.1 s"):
            store.require_leader()
        store.close()


# --- watches --------------------------------------------------------------------------------


@pytest.fixture
def watch(consul: Consul) -> Iterator[ConsulWatch]:
    watch = ConsulWatch(ConsulStore("127.0.0.1", consul.server_port, 2), "kv/app/", Bell())
    watch.open()
    yield watch
    watch.close()


@pytest.mark.parametrize("index", [6, 3])
def test_a_change_of_the_index_rings_even_when_it_falls(
    consul: Consul, watch: ConsulWatch, index: int
) -> None:
    before = watch.bell.rung
    consul.change(index)
    assert watch.bell.wait(before, 5)


def test_a_watch_that_breaks_fails_the_bell_and_can_be_reopened(
    consul: Consul, watch: ConsulWatch
) -> None:
    consul.answers["GET /v1/kv/app/"] = (500, "No cluster leader")
    before = watch.bell.rung
    consul.change(6)
    with pytest.raises(HarnessError, match="Consul watch of kv/app/: 500"):
        watch.bell.wait(before + 10, 5)
    consul.answers.clear()
    Sources([watch]).reopen_broken()
    before = watch.bell.rung
    consul.change(7)
    assert watch.bell.wait(before, 5)


def test_closing_interrupts_the_query(consul: Consul) -> None:
    watch = ConsulWatch(ConsulStore("127.0.0.1", consul.server_port, 2), "kv/app/", Bell())
    with ThreadPoolExecutor(1) as executor:
        sources = Sources([watch]).open(executor)
        sources.close()
    assert watch.name not in {thread.name for thread in threading.enumerate()}
