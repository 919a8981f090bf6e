"""Stays until somebody ends it, and shows meanwhile how the ways are."""

from __future__ import annotations

import logging
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.live import Live
from rich.logging import RichHandler

import tunnels
from cluster_tests.forwards.table import table, word_on

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rich.console import Console

    from cluster_tests.forwards.opened import Opened
    from tunnels import State

_REPAINTS = 2  # a second
_OF_STATES = "line"  # the module of the tunnels that logs a connection's losses and returns
_LOOK = 1.0  # seconds between two looks where changes are told as lines


def stay(opened: Opened, console: Console) -> None:
    """Show the ways on ``console`` until ``Ended`` is raised: for ever, that is."""
    for_ever = threading.Event()
    with notes(console):
        if not console.is_terminal:
            watch(opened, console, for_ever.wait)
            return
        with Live(
            console=console, get_renderable=lambda: table(opened), refresh_per_second=_REPAINTS
        ):
            for_ever.wait()


@contextmanager
def told_meanwhile(opened: Opened, console: Console) -> Iterator[None]:
    """Tell on ``console`` what becomes of the ways, while something else is being done."""
    over = threading.Event()
    thread = threading.Thread(target=watch, args=(opened, console, over.wait), name="watch")
    thread.start()
    try:
        with notes(console):
            yield
    finally:
        over.set()
        thread.join()


@contextmanager
def notes(console: Console) -> Iterator[None]:
    """Show on ``console`` what the tunnels warn of, but for what the ways' states tell anyway."""
    handler = RichHandler(logging.WARNING, console, show_path=False, rich_tracebacks=False)
    handler.addFilter(lambda record: record.module != _OF_STATES)
    logger = logging.getLogger(tunnels.__name__)
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)


def watch(opened: Opened, console: Console, over: Callable[[float], bool]) -> None:
    """Tell on ``console`` when a tunnel breaks, and when it is back, until ``over`` says so.

    ``over`` waits the seconds it is given, and tells whether it is over.
    """
    started, known = time.monotonic(), _seen(opened)
    while not over(_LOOK):
        before, known = known, _seen(opened)
        for node in (node for node in known if known[node] != before[node]):
            elapsed = time.monotonic() - started
            said = f"[{elapsed:7.1f} s] {node}: {word_on(opened.tunnels[node].health)}"
            console.print(said, markup=False, highlight=False, soft_wrap=True)


def _seen(opened: Opened) -> dict[str, tuple[State, int]]:
    """Note what is worth a word: not the error, which may be another with every try."""
    healths = {node: tunnel.health for node, tunnel in opened.tunnels.items()}
    return {node: (health.state, health.reconnections) for node, health in healths.items()}
