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
    """Plan ``rate`` attempts a second, for ever: HTTP and SSH in turn, and the nodes in turn.

    Without ``ssh`` all of them go over HTTP.
    """
    if rate <= 0 or not nodes:
        raise ValueError(f"nothing is planned for {len(nodes)} nodes at {rate:g} a second")
    turns = 2 if ssh else 1
    for number in count():
        turn, over_ssh = number // turns, ssh and number % 2 == 1
        what = What.GREETING if over_ssh else _OVER_HTTP[turn % len(_OVER_HTTP)]
        yield Slot(number / rate, nodes[turn % len(nodes)], what)
