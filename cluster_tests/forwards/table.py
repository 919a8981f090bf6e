"""How the outlets are: a table for a terminal, and a word on each change where there is none."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from tunnels import State

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cluster_tests.forwards.opened import Opened, Outlet
    from tunnels import Health

_COLUMNS = ("node", "forward", "local address", "state", "round trip", "in", "out", "reconnections")
_STYLES = {State.OPEN: "green", State.GIVEN_UP: "bold red"}
_BETWEEN = "yellow"  # any other state
_STEP = 1000


def table(opened: Opened) -> Table:
    """Draw every outlet as it is now."""
    drawn = Table(box=None, pad_edge=False)
    for column in _COLUMNS:
        right = column in {"round trip", "in", "out", "reconnections"}
        # An address that is cut cannot be pasted.
        drawn.add_column(
            column,
            justify="right" if right else "left",
            overflow="fold" if column == "local address" else "ellipsis",
        )
    for outlet in opened.outlets:
        drawn.add_row(*_cells(opened, outlet))
    troubles = [
        f"{node}: {word_on(tunnel.health)}"
        for node, tunnel in opened.tunnels.items()
        if tunnel.health.state is not State.OPEN
    ]
    drawn.caption, drawn.caption_justify = Text("\n".join(troubles)), "left"
    return drawn


def _cells(opened: Opened, outlet: Outlet) -> Iterator[Text | str]:
    yield from (outlet.node, outlet.what, str(outlet))
    if outlet.forward is None:  # nobody watches what is reached without a tunnel
        yield from ("direct", "", "", "", "")
        return
    tunnel = opened.tunnels[outlet.node]
    health, traffic = tunnel.health, tunnel.traffic(outlet.forward)
    yield Text(_state(health), _STYLES.get(health.state, _BETWEEN))
    yield "" if health.round_trip is None else f"{health.round_trip * _STEP:.1f} ms"
    yield from (size(traffic.received), size(traffic.sent), str(health.reconnections))


def _state(health: Health) -> str:
    if health.state is State.OPEN:
        return str(health.state)
    return f"{health.state}, {time.monotonic() - health.since:.0f} s"


def word_on(health: Health) -> str:
    """Say how a tunnel is: since when a lost one is back, or why it is not."""
    if health.state is State.OPEN:
        return f"open again ({health.reconnections} reconnections so far)"
    return f"{health.state}: {health.error or 'no reason is known'}"


def size(count: int) -> str:
    """Print a number of bytes with three digits or so."""
    number = float(count)
    for unit in ("B", "kB", "MB", "GB"):
        if number < _STEP:
            return f"{number:.0f} {unit}" if unit == "B" else f"{number:.1f} {unit}"
        number /= _STEP
    return f"{number:.1f} TB"
