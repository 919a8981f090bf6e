"""What people see of the tunnels: the table of a terminal, and a line for each change."""

from __future__ import annotations

import io
import logging
import time
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest
from rich.console import Console

from cluster_tests.forwards.opened import Opened, Outlet
from cluster_tests.forwards.staying import notes, watch
from cluster_tests.forwards.table import size, table
from tunnels import Health, SocketForward, State, TunnelError

if TYPE_CHECKING:
    from tunnels import Tunnel

PATH = Path("/run/t/core1.sock")
ENGINE = SocketForward("/var/run/docker.sock", PATH)
TRAFFIC = SimpleNamespace(connections=2, received=1_500_000, sent=999)


def health(state: State, error: str = "", reconnections: int = 0) -> Health:
    told = TunnelError(error, remedy="see the log") if error else None
    return Health(state, time.monotonic(), told, reconnections, 0.0023)


def opened(first: Health) -> tuple[Opened, Any]:
    """Make ways up: a tunnel whose health may be replaced, and a front without one."""
    tunnel = SimpleNamespace(health=first, traffic={ENGINE: TRAFFIC}.__getitem__)
    outlets = [
        Outlet("core1", "engine", PATH, ENGINE),
        Outlet("core1", "http front", ("10.0.0.1", 80), None),
    ]
    return Opened("two", "core1", {"core1": cast("Tunnel", tunnel)}, outlets), tunnel


def drawn(all_: Opened) -> list[str]:
    paper = io.StringIO()
    Console(file=paper, width=120).print(table(all_))
    return [" ".join(line.split()) for line in paper.getvalue().splitlines()]


def test_the_table_shows_every_outlet_with_its_figures() -> None:
    all_, _ = opened(health(State.OPEN, reconnections=3))
    assert drawn(all_) == [
        "node forward local address state round trip in out reconnections",
        "core1 engine /run/t/core1.sock open 2.3 ms 1.5 MB 999 B 3",
        "core1 http front 10.0.0.1:80 direct",
    ]


@pytest.mark.parametrize("state", [State.RECONNECTING, State.GIVEN_UP])
def test_the_table_says_why_a_tunnel_is_not_open(state: State) -> None:
    all_, _ = opened(health(state, "the host key changed"))
    _, engine, _, *below = drawn(all_)
    assert f"{state}, 0 s" in engine
    assert below[0] == f"core1: {state}: the host key changed"
    assert "to mend it: see the log" in below[1]


def test_each_change_is_a_line_and_nothing_else_is() -> None:
    all_, tunnel = opened(health(State.OPEN))
    course = iter(
        [
            health(State.RECONNECTING, "reset"),
            health(State.RECONNECTING, "refused"),  # another try that failed is no news
            health(State.OPEN, reconnections=1),
            health(State.OPEN, reconnections=1),
            health(State.OPEN, reconnections=2),  # so quickly that nobody saw it away
            health(State.GIVEN_UP, "the host key changed", reconnections=2),
        ]
    )

    def over(_seconds: float) -> bool:
        tunnel.health = now = next(course, None)
        return now is None

    paper = io.StringIO()
    watch(all_, Console(file=paper), over)
    lines = [line.partition("] ")[2] for line in paper.getvalue().splitlines() if "] " in line]
    assert lines == [
        "core1: reconnecting: reset",
        "core1: open again (1 reconnections so far)",
        "core1: open again (2 reconnections so far)",
        "core1: given up: the host key changed",
    ]


def test_warnings_are_shown_while_it_lasts_but_not_what_the_states_tell() -> None:
    paper = io.StringIO()
    logger = logging.getLogger("tunnels")
    record = logger.makeRecord(
        "tunnels", logging.WARNING, "line.py", 1, "connected again", (), None
    )
    with notes(Console(file=paper, width=200)):
        logger.warning("the socket was removed")
        logger.info("a detail")
        logger.handle(record)
    logger.warning("nobody listens any more")
    assert "the socket was removed" in paper.getvalue()
    assert not {"detail", "again", "nobody"} & set(paper.getvalue().split())


@pytest.mark.parametrize(
    ("count", "told"),
    [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (2_340_000, "2.3 MB"), (5 * 10**12, "5.0 TB")],
)
def test_sizes_are_short(count: int, told: str) -> None:
    assert size(count) == told
