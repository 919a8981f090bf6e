"""When which attempt is due: an open loop, which no slow answer can slow down."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING

from cluster_tests.witness.attempts import Slot, What

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

# Of five attempts over HTTP three write: few are made while all is well, and they find the losses.
_OVER_HTTP = (What.WRITE, What.READ, What.WRITE, What.READ, What.WRITE)


def slots(nodes: Sequence[str], rate: float, *, ssh: bool = True) -> Iterator[Slot]:
    """Plan turns for ever: ``rate`` a second over HTTP, and as many over SSH between them.

    Each route takes the nodes in turn. Without ``ssh`` all turns go over HTTP.
    """
    if rate <= 0 or not nodes:
        raise ValueError(f"nothing is planned for {len(nodes)} nodes at {rate:g} a second")
    for turn in count():
        node = nodes[turn % len(nodes)]
        yield Slot(turn / rate, node, _OVER_HTTP[turn % len(_OVER_HTTP)])
        if ssh:
            yield Slot((turn + 0.5) / rate, node, What.GREETING)
