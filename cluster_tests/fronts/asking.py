"""Asks applications through every node, over and over, while something else happens.

One thread a node, so that the clients cannot be what is slow; each asks its applications in turn,
each time over a new connection. A request that fails is a failure for good: nothing is retried.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Self

from cluster_tests.errors import FrontError, HarnessError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import TracebackType

# Seconds a client thinks between two requests: the node's two cores are there for the switch.
_THINKS = 0.02
# Seconds in which each application must have been asked through each node once more.
_ROUND = 30.0


@dataclass(frozen=True)
class Failure:
    """One request that got no good answer: when (UTC), through which node, of whom, and why."""

    at: str
    node: str
    application: str
    reason: str

    def __str__(self) -> str:
        """Print on one line."""
        return f"{self.at} {self.node} {self.application}: {self.reason}"


class Asking:
    """Asks while it is open: ``with Asking({(node, application): ask}) as asking``.

    ``ask`` raises ``FrontError`` where there is no good answer; anything else it raises is the
    harness's fault, and raised when the asking ends.
    """

    def __init__(self, calls: Mapping[tuple[str, str], Callable[[], object]]) -> None:
        """Plan to ask; nothing is asked yet."""
        if not calls:
            raise ValueError("there is nobody to ask")
        self._calls = calls
        self._over = threading.Event()
        self._news = threading.Condition()
        self._asked: Counter[tuple[str, str]] = Counter()
        self._failures: list[Failure] = []
        self._broken: list[BaseException] = []
        nodes = dict.fromkeys(node for node, _ in calls)
        self._threads = [
            threading.Thread(target=self._run, args=(node,), name=f"asking {node}", daemon=True)
            for node in nodes
        ]

    @property
    def failures(self) -> tuple[Failure, ...]:
        """All failures so far."""
        with self._news:
            return tuple(self._failures)

    @property
    def asked(self) -> Mapping[tuple[str, str], int]:
        """How often each application was asked through each node so far."""
        with self._news:
            return {pair: self._asked[pair] for pair in self._calls}

    def ask_all_once_more(self) -> None:
        """Wait until a request that began after this call has ended, for every pair.

        Raises what broke a client, and ``HarnessError`` when it takes too long.
        """
        with self._news:
            # The request that is under way began before: the one after it counts.
            wanted = {pair: self._asked[pair] + 2 for pair in self._calls}
            done = self._news.wait_for(lambda: self._broken or self._reached(wanted), _ROUND)
        self._raise_if_broken()
        if not done:
            raise HarnessError(f"not everybody was asked once more within {_ROUND:g} s")

    def __enter__(self) -> Self:
        """Begin, and wait until everybody was asked."""
        for thread in self._threads:
            thread.start()
        try:
            self.ask_all_once_more()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """End, and raise what broke a client."""
        self.close()
        if exc is None:
            self._raise_if_broken()

    def close(self) -> None:
        """End all clients, each after its request; calling it again does nothing."""
        self._over.set()
        deadline = time.monotonic() + _ROUND
        for thread in self._threads:
            if thread.ident is not None:
                thread.join(max(0.0, deadline - time.monotonic()))
                if thread.is_alive():
                    raise HarnessError(f"{thread.name}: its request does not end")

    def _run(self, node: str) -> None:
        own = {pair: ask for pair, ask in self._calls.items() if pair[0] == node}
        try:
            while True:
                for pair, ask in own.items():
                    if self._over.wait(_THINKS):
                        return
                    self._ask(pair, ask)
        except BaseException as error:  # noqa: BLE001 - a thread has nobody to raise to but the rest
            with self._news:
                self._broken.append(error)
                self._news.notify_all()

    def _ask(self, pair: tuple[str, str], ask: Callable[[], object]) -> None:
        failure = None
        try:
            ask()
        except FrontError as error:
            failure = Failure(datetime.now(UTC).isoformat(), *pair, error.message)
        with self._news:
            self._asked[pair] += 1
            if failure is not None:
                self._failures.append(failure)
            self._news.notify_all()

    def _reached(self, wanted: Mapping[tuple[str, str], int]) -> bool:
        return all(self._asked[pair] >= number for pair, number in wanted.items())

    def _raise_if_broken(self) -> None:
        if self._broken:
            raise self._broken[0]
