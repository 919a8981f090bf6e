"""What changed in Consul during a switch, from the answers to blocking queries, one after another.

Each answer shows all that is below a path; what differs from the answer before has changed
meanwhile. A key that fell and rose between two answers has another ``CreateIndex``. A flag that
rose and fell between two is seen by its prefix's index, which is that of the last change below it
as long as Consul keeps a tombstone there (``consul.flag_history`` explains it).
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cluster_tests.consul.watch import FLAGS, MEETINGS, RECORDS
from cluster_tests.results.values import Event
from cluster_tests.timeline.layers import Layer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from cluster_tests.consul.watch import Answer
    from cluster_tests.model import Application

_CHECKS = "health/state/any"
_PASSING, _CRITICAL = "passing", "critical"
_LONGEST = 200  # characters of a value that are worth showing


@dataclass(frozen=True)
class Seen:
    """What one answer shows of the application: by name, a version of it and how it is called."""

    index: int
    things: Mapping[str, tuple[object, str]]


def consul_events(
    answers: Iterable[tuple[str, float, Answer]], application: Application
) -> Iterator[Event]:
    """Yield what changed; ``answers`` are path, time and answer, in order, a first one for each."""
    known: dict[str, Seen] = {}
    for path, at, answer in answers:
        now = _READ[path](answer, application) if path in _READ else None
        if now is None:
            continue
        if path in known:
            yield from _changes(path, at, known[path], now)
        known[path] = now


def _changes(path: str, at: float, before: Seen, now: Seen) -> Iterator[Event]:
    if before.things == now.things and path == FLAGS and before.index != now.index:
        yield Event(at, Layer.KV, "a flag below maintenance/ came and went, or another's did")
    tell = _check_changed if path == _CHECKS else _key_changed
    for name in sorted({*before.things, *now.things}):
        old, new = before.things.get(name), now.things.get(name)
        if old != new:
            yield tell(at, name, old, new)


def _key_changed(
    at: float, key: str, old: tuple[object, str] | None, new: tuple[object, str] | None
) -> Event:
    if new is None:
        return Event(at, Layer.KV, f"{key} removed")
    what = f"{key} {'written' if old is None else 'changed'}"
    return Event(at, Layer.KV, f"{what}: {new[1]}" if new[1] else what)


def _check_changed(
    at: float, name: str, old: tuple[object, str] | None, new: tuple[object, str] | None
) -> Event:
    node, _, check = name.partition(" ")
    if new is None:
        return Event(at, Layer.SERVICE, f"{check}: deregistered", node)
    status = new[1] if old is not None else f"registered, {new[1]}"
    # A check begins as critical, before it was asked for the first time.
    failed = old is not None and new[1] == _CRITICAL
    return Event(at, Layer.SERVICE, f"{check}: {status}", node, failed=failed)


def _keys(answer: Answer, application: Application) -> Seen:
    own = (application.record_key, application.maintenance_key)
    return Seen(
        answer.index,
        {
            item["Key"]: ((item["CreateIndex"], item["ModifyIndex"]), _value(item))
            for item in answer.items
            if item["Key"] in own or item["Key"].startswith(application.meeting_prefix)
        },
    )


def _value(item: Mapping[str, Any]) -> str:
    text = base64.b64decode(item["Value"] or "").decode(errors="replace")
    # A record is long, and kept elsewhere; what the nodes tell each other is short.
    return "" if item["Key"].startswith("app/") else text[:_LONGEST]


def _checks(answer: Answer, application: Application) -> Seen:
    return Seen(
        answer.index,
        {
            f"{item['Node']} {item['CheckID']}": (item["Status"], item["Status"])
            for item in answer.items
            if item["ServiceName"] == application.name
        },
    )


_READ: Mapping[str, Callable[[Answer, Application], Seen]] = {
    RECORDS: _keys,
    FLAGS: _keys,
    MEETINGS: _keys,
    _CHECKS: _checks,
}
