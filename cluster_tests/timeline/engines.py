"""What the nodes' engines told of a switch, as events.

Docker Engine API, "Monitor events": ``Type``, ``Action``, ``Actor`` with ``ID`` and ``Attributes``,
and ``timeNano`` by the node's clock.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cluster_tests.nodes.node import PROJECT, SERVICE
from cluster_tests.results.values import Event
from cluster_tests.timeline.layers import Layer

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from cluster_tests.inventory.entries import Names
    from cluster_tests.model import Application
    from cluster_tests.timeline.clocks import Offset

_NANO = 1e9
_GOOD_END = "0"


def engine_events(
    told: Iterable[tuple[str, Mapping[str, Any]]],
    application: Application,
    names: Names,
    offsets: Mapping[str, Offset],
    since: float,
) -> Iterator[Event]:
    """Yield what concerns an application, and signals to the proxies, ``since`` (our clock)."""
    for node, item in told:
        at = offsets[node].ours(item["timeNano"] / _NANO)
        actor = item["Actor"]
        attributes = actor.get("Attributes") or {}
        if at < since:
            continue
        if attributes.get(PROJECT) == application.project:
            yield _container(at, node, item["Action"], attributes)
        elif item["Type"] == "volume" and actor["ID"].startswith(application.volume_prefix):
            volume = actor["ID"].removeprefix(application.volume_prefix)
            yield Event(at, Layer.CONTAINER, f"volume {volume}: {item['Action']}", node)
        elif item["Action"] == "kill" and attributes.get("name") in (names.haproxy, names.caddy):
            signal = attributes.get("signal", "?")
            yield Event(at, Layer.PROXY, f"{attributes['name']}: signal {signal}", node)


def _container(at: float, node: str, action: str, attributes: Mapping[str, str]) -> Event:
    what = f"{attributes.get(SERVICE) or attributes.get('name', '?')}: {action}"
    code = attributes.get("exitCode") if action == "die" else None
    if code is not None:
        what += f" with {code}"
    return Event(at, Layer.CONTAINER, what, node, failed=code not in (None, _GOOD_END))
