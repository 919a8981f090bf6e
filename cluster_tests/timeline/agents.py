"""What the agents logged of a switch, as events: their steps, and the proxies' loads.

Any agent's lines are told as they are. Where they say how long something took, as the reference
cluster's do ("restore took 0.412 s"), the event lasts that long.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from cluster_tests.nodes.handler_log import entries
from cluster_tests.results.values import Event
from cluster_tests.timeline.layers import Layer

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from cluster_tests.nodes.handler_log import Entry
    from cluster_tests.timeline.clocks import Offset

_TOOK = re.compile(r"(?P<step>.+) took (?P<seconds>\d+(?:\.\d+)?) s")
_LOADED = re.compile(r"(HAProxy|Caddy) loaded\b")
_MOVES_DATA = re.compile(r"send-|snapshot|restore")
_NOBODY = "-"  # what stands in an event's place where a line belongs to none


def agent_events(
    node: str, lines: Iterable[str], event_id: str, offset: Offset, since: float
) -> Iterator[Event]:
    """Yield what a node logged of an event, and of its proxies ``since`` (our clock)."""
    for entry in entries(lines):
        if entry.at is None:
            continue
        at = offset.ours(entry.at)
        if entry.event == event_id:
            yield _step(node, entry, at)
        elif entry.event == _NOBODY and at >= since and _LOADED.match(entry.message):
            yield Event(at, Layer.PROXY, entry.message, node)


def _step(node: str, entry: Entry, at: float) -> Event:
    took = _TOOK.fullmatch(entry.message)
    if took is None:
        level = "" if entry.level == "INFO" else f"{entry.level}: "
        failed = entry.level == "ERROR"
        return Event(at, Layer.AGENT, f"{level}{entry.message}", node, failed=failed)
    layer = Layer.SNAPSHOT if _MOVES_DATA.match(took["step"]) else Layer.AGENT
    return Event(at - float(took["seconds"]), layer, took["step"], node, at)
