"""Timelines as the page's script takes them: small, because a run may have hundreds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cluster_tests.results.values import LAYERS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cluster_tests.results.values import Event


def packed(events: Sequence[Event]) -> dict[str, object]:
    """Pack events: each as numbers, with texts and nodes once in lists.

    ``events`` are ``[layer, node, at, lasting, text, failed]``: indices into ``layers``, ``nodes``
    (-1 for none) and ``texts``, milliseconds since the first event (``lasting`` 0 for a moment),
    and 0 or 1.
    """
    texts = list(dict.fromkeys(event.what for event in events))
    nodes = sorted({event.node for event in events if event.node is not None})
    layers = [*LAYERS, *sorted({event.layer for event in events} - set(LAYERS))]
    begin = min((event.at for event in events), default=0.0)
    number = {text: place for place, text in enumerate(texts)}
    return {
        "begin": begin,
        "layers": layers,
        "nodes": nodes,
        "texts": texts,
        "events": [
            [
                layers.index(event.layer),
                -1 if event.node is None else nodes.index(event.node),
                round((event.at - begin) * 1000),
                0 if event.until is None else max(0, round((event.until - event.at) * 1000)),
                number[event.what],
                int(event.failed),
            ]
            for event in events
        ],
    }
