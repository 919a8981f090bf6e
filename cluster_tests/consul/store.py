"""Consul as one agent shows it: the KV, user events, services and members.

Foreign exceptions stop here: what py-consul or requests raise becomes a ``ConsulError``.
"""

from __future__ import annotations

import base64
import contextlib
import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import consul
import requests

from cluster_tests.errors import ConsulError, EventTooLargeError
from cluster_tests.model import Check, Registration
from cluster_tests.way import UNBROKEN, repeated

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from cluster_tests.model import Application
    from cluster_tests.way import Way

# Bytes of an encoded user event: serf's UserEventSizeLimit, which Consul does not change.
EVENT_LIMIT = 512
# What Consul adds to name and payload (agent/user_event.go, serf's messageUserEvent): both are
# encoded as msgpack maps, the payload inside the message. Measured on Consul 1.8.7.
_EVENT_OVERHEAD = 96
# Serf's clock, a msgpack number, takes 1 to 5 bytes until four thousand million events.
_CLOCK_GROWTH = 4
# Above 31 bytes, msgpack writes a string's length in one byte more (inside), or two (outside);
# outside, "consul:event:" stands in front of the name.
_SHORT = 31
_OUTER_PREFIX = len("consul:event:")
_ALIVE = 1
_RECORDS = "app/"
# "HTTP GET http://127.0.0.1:8000/: 200 OK Output: …": the target is not told anywhere else.
_CHECKED_URL = re.compile(r'^(?:HTTP [A-Z]+ (\S+): |[A-Z][a-z]+ "?(\S+?)"?: )')


@dataclass(frozen=True, order=True)
class Member:
    """One agent of the cluster."""

    name: str
    alive: bool
    version: str


class ConsulStore:
    """Thin readers and writers of Consul's HTTP API. Safe to use from several threads.

    What may be asked twice is asked again when the way to the agent breaks under the request.
    """

    def __init__(self, host: str, port: int, timeout: float, way: Way = UNBROKEN) -> None:
        """Speak to the agent at ``host:port``; every answer is due in ``timeout`` seconds."""
        self.way = way
        self.host = host
        self.port = port
        self.timeout = timeout
        self._consul = consul.Consul(host, port, connections_timeout=timeout)

    def close(self) -> None:
        """Drop the connections."""
        self._consul.http.session.close()

    # --- the cluster of agents

    @repeated
    def require_leader(self) -> str:
        """Tell the leader's address; raise ``ConsulError`` when there is none."""
        with self._translated("asking for the leader"):
            leader: str = self._consul.status.leader()
        if not leader:
            raise ConsulError(
                "Consul has no leader",
                remedy="on a node: consul members, and start the agents that do not live",
            )
        return leader

    @repeated
    def members(self) -> tuple[Member, ...]:
        """List the agents, alive or not."""
        with self._translated("listing members"):
            found = self._consul.agent.members()
        return tuple(
            sorted(Member(m["Name"], m["Status"] == _ALIVE, m["Tags"]["build"]) for m in found)
        )

    # --- the KV

    def record(self, application: Application) -> dict[str, Any] | None:
        """Read the application's record; None when there is none."""
        value = self._get(application.record_key)
        if value is None:
            return None
        return _record(application.record_key, value)

    @repeated
    def records(self) -> tuple[str, ...]:
        """List the names of all applications that have a record."""
        with self._translated("listing applications"):
            _, keys = self._consul.kv.get(_RECORDS, keys=True)
        return tuple(sorted(key.removeprefix(_RECORDS) for key in keys or ()))

    def all_records(self) -> dict[str, dict[str, Any]]:
        """Read the records of all applications, by the application's name."""
        return {
            key.removeprefix(_RECORDS): _record(key, value)
            for key, value in self._tree(_RECORDS).items()
        }

    def in_maintenance(self, application: Application) -> bool:
        """Tell whether the maintenance flag is up."""
        return self._get(application.maintenance_key) is not None

    @repeated
    def set_maintenance(self, application: Application, *, up: bool) -> None:
        """Raise or lower the maintenance flag by hand."""
        with self._translated(f"changing {application.maintenance_key}"):
            if up:
                self._consul.kv.put(application.maintenance_key, "")
            else:
                self._consul.kv.delete(application.maintenance_key)

    @repeated
    def index_below(self, prefix: str) -> int:
        """Tell the index of the last change below ``prefix``, deletions included."""
        with self._translated(f"reading {prefix}"):
            index, _ = self._consul.kv.get(prefix, recurse=True)
        return int(index)

    @repeated
    def leave_tombstone(self, key: str) -> None:
        """Put and delete ``key``: for a while, Consul remembers at which index it was deleted."""
        with self._translated(f"changing {key}"):
            self._consul.kv.put(key, "")
            self._consul.kv.delete(key)

    def migrations(self, application: Application) -> dict[str, str]:
        """Read what is below ``migrate/<name>/``, by the key's last part."""
        prefix = application.meeting_prefix
        return {key.removeprefix(prefix): value for key, value in self._tree(prefix).items()}

    def everything(self) -> dict[str, str]:
        """Read the whole KV, by key."""
        return self._tree("")

    @repeated
    def _get(self, key: str) -> str | None:
        with self._translated(f"reading {key}"):
            _, found = self._consul.kv.get(key)
        return None if found is None else (found["Value"] or b"").decode(errors="replace")

    @repeated
    def _tree(self, prefix: str) -> dict[str, str]:
        with self._translated(f"reading {prefix}"):
            _, found = self._consul.kv.get(prefix, recurse=True)
        return {
            item["Key"]: (item["Value"] or b"").decode(errors="replace") for item in found or ()
        }

    # --- events

    @repeated
    def events(self) -> dict[str, dict[str, Any]]:
        """List the events that this agent still remembers, the last 256, by their IDs.

        Each is what Consul's API gives, and what a watch hands over (Consul, "/event/list").
        """
        with self._translated("listing events"):
            _, found = self._consul.event.list()
        return {item["ID"]: {**item, "Payload": _encoded(item["Payload"])} for item in found}

    def fire(self, name: str, payload: Mapping[str, object]) -> str:
        """Fire the user event ``name`` and tell its ID.

        Raises ``EventTooLargeError`` before anything is sent when Consul could not carry it.
        """
        return self.fire_raw(name, json.dumps(payload, separators=(",", ":")))

    def fire_raw(self, name: str, payload: str) -> str:
        """Fire an event whose payload need not be JSON."""
        size = event_size(name, payload)
        if size > EVENT_LIMIT:
            raise EventTooLargeError(
                f"the event {name} would take {size} bytes, and Consul carries {EVENT_LIMIT}",
                remedy="shorten the repository's URL or the branch",
            )
        known = self._alike(name, payload)
        return self.way.repeat(
            lambda: self._fire(name, payload),
            again=lambda: self._arrived(name, payload, known) or self._fire(name, payload),
        )

    def _fire(self, name: str, payload: str) -> str:
        with self._translated(f"firing the event {name}"):
            event: str = self._consul.event.fire(name, payload.encode())["ID"]
        return event

    def _arrived(self, name: str, payload: str, known: frozenset[str]) -> str:
        """Tell the ID of an event that was fired though its answer was lost; "" if it was not.

        An event must not be fired twice: each is handled. Between the loss and this question lies
        the opening of a new connection, in which the agent has read what had reached it.
        """
        new = self._alike(name, payload) - known
        return min(new, default="")

    def _alike(self, name: str, payload: str) -> frozenset[str]:
        """List the IDs of the events of that name and payload that the agent remembers."""
        wanted = (name, _encoded(payload.encode()))
        return frozenset(
            id_
            for id_, event in self.events().items()
            if (event["Name"], event["Payload"]) == wanted
        )

    # --- services

    @repeated
    def services(self) -> tuple[str, ...]:
        """List the names of all services that any agent has registered."""
        with self._translated("listing services"):
            _, found = self._consul.catalog.services()
        return tuple(sorted(found))

    @repeated
    def registrations(self, application: Application) -> frozenset[Registration]:
        """List the application's service as the agents registered it, with its own checks."""
        with self._translated(f"reading the service {application.name}"):
            _, found = self._consul.health.service(application.name)
        return frozenset(
            Registration(item["Node"]["Node"], tuple(sorted(_checks(item)))) for item in found
        )

    @property
    def _named(self) -> str:
        return f"{self.way.node}: Consul" if self.way.node else "Consul"

    @contextlib.contextmanager
    def _translated(self, doing: str) -> Iterator[None]:
        try:
            yield
        except requests.Timeout as error:
            message = f"{doing}: {self._named} gave no answer in {self.timeout:g} s"
            raise ConsulError(message, remedy=_REMEDY) from error
        except requests.RequestException as error:
            message = f"{doing}: {self._named} does not answer at {self.host}:{self.port}: {error}"
            raise ConsulError(message, remedy=_REMEDY) from error
        except consul.ConsulException as error:
            raise ConsulError(f"{doing}: {str(error).strip()}") from error


_REMEDY = (
    "see there whether its container runs (docker ps), and whether all agents live (consul"
    " members): one that leads and hangs holds up all others until they have chosen another"
)


def _record(key: str, value: str) -> dict[str, Any]:
    try:
        record = json.loads(value)
    except ValueError as error:
        raise ConsulError(f"{key} is not JSON: {value!r}") from error
    if not isinstance(record, dict):
        raise ConsulError(f"{key} is no JSON object: {value!r}")
    return record


def _encoded(payload: bytes | None) -> str | None:
    # py-consul has decoded it
    return None if payload is None else base64.b64encode(payload).decode()


def event_size(name: str, payload: str) -> int:
    """Tell the bytes of a user event as serf encodes it, for the largest clock it may meet."""
    plain = len(name.encode())
    inner = plain + (1 if plain > _SHORT else 0)
    outer = _OUTER_PREFIX + plain
    outer += 2 if outer > _SHORT else 0
    return _EVENT_OVERHEAD - _OUTER_PREFIX + inner + outer + len(payload.encode()) + _CLOCK_GROWTH


def _checks(item: Mapping[str, Any]) -> Iterator[Check]:
    for check in item["Checks"]:
        if check["ServiceID"]:  # the others are the node's own health
            found = _CHECKED_URL.match(check["Output"])
            # An agent that is told a status beforehand keeps an output of the same status to itself
            # for minutes (check_update_interval): until then a name that is a URL has to do.
            name = check.get("Name", "")
            target = (found[1] or found[2]) if found else name if "://" in name else ""
            yield Check(target, check["Status"])
