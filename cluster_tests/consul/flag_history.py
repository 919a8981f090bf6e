"""A flag's history in Consul's KV, as it happens: how often it was raised and lowered.

A thread asks blocking queries, and each answer is compared with the one before it. That no flag is
missed, however brief, follows from the indexes that Consul keeps
(https://developer.hashicorp.com/consul/api-docs/features/blocking; agent/consul/state/kvs.go):

- The query asks for the key as a *prefix*. Its index is that of the last change below it, deletions
  included, as long as there is a key or the tombstone of one. Consul keeps tombstones for a
  quarter of an hour; ``ANCHOR`` makes one beforehand, since without any the index would be that of
  the whole KV. So a flag that rose and fell between two answers has moved the index: "not there",
  with a new index, is one raise and one fall.
- A key's ``CreateIndex`` is new each time it is created. So a flag that fell and rose between two
  answers shows another one: that is one fall and one raise.

Whatever was up is counted, then. Two flags count as one only where the first rose and fell and the
second rose between an answer and the next question; how long that was at most, is told (``blind``).
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from cluster_tests.consul.watch import ConsulWatch
from cluster_tests.errors import HarnessError

if TYPE_CHECKING:
    from cluster_tests.consul.store import ConsulStore
    from cluster_tests.consul.watch import Answer
    from cluster_tests.waiting.waiter import Bell

# Below the flag's key: put and deleted before the recording begins.
ANCHOR = "{}/recorder"
# Seconds in which an answer that Consul has given already must have been recorded.
_PATIENCE = 10.0
_NONE = 0  # no CreateIndex: the flag is down


@dataclass(frozen=True)
class FlagHistory:
    """How often a flag was raised and lowered since the recorder began.

    ``merged`` counts the answers that stood for more than one change, ``blind`` is the longest time
    between an answer and the next question, in seconds. ``up`` tells the flag's present state.
    """

    raised: int = 0
    lowered: int = 0
    merged: int = 0
    blind: float = 0.0
    up: bool = False

    def after(self, before: Sighting, now: Sighting) -> FlagHistory:
        """Add what must have happened between two sightings."""
        if now.index == before.index and now.created == before.created:
            return self
        raised = lowered = 0
        if before.created == _NONE == now.created:
            raised = lowered = 1
        elif before.created == _NONE:
            raised = 1
        elif now.created == _NONE:
            lowered = 1
        elif now.created != before.created:
            raised = lowered = 1
        return replace(
            self,
            raised=self.raised + raised,
            lowered=self.lowered + lowered,
            merged=self.merged + (raised + lowered > 1),
            up=now.created != _NONE,
        )


@dataclass(frozen=True)
class Sighting:
    """What one answer tells: the prefix's index, and the flag's ``CreateIndex`` (0: not there)."""

    index: int
    created: int


class FlagRecorder(ConsulWatch):
    """Records one key's history from ``open`` to ``close``."""

    def __init__(self, store: ConsulStore, key: str, bell: Bell) -> None:
        """Record ``key`` as the agent of ``store`` shows it."""
        super().__init__(store, f"kv/{key}", bell)
        self._key = key
        self._known: Sighting | None = None
        self._history = FlagHistory()
        self._answered: float | None = None
        self._lock = threading.Condition()

    @property
    def history(self) -> FlagHistory:
        """What was recorded so far; raises ``HarnessError`` when the recording has a gap."""
        if self.broken:
            raise HarnessError(f"{self.name} broke: its history has a gap")
        with self._lock:
            return self._history

    def catch_up(self, index: int) -> None:
        """Wait until all up to ``index`` is recorded; raise ``HarnessError`` if it is not."""
        with self._lock:
            done = self._lock.wait_for(
                lambda: self._known and self._known.index >= index, _PATIENCE
            )
        if not done:
            raise HarnessError(f"{self.name}: it did not reach index {index}")

    def asking(self) -> None:
        """Note how long nobody asked."""
        if self._answered is not None:
            blind = time.monotonic() - self._answered
            with self._lock:
                self._history = replace(self._history, blind=max(self._history.blind, blind))

    def heard(self, answer: Answer) -> None:
        """Compare with what was known."""
        self._answered = time.monotonic()
        shown = (item["CreateIndex"] for item in answer.items if item["Key"] == self._key)
        created = next(shown, _NONE)
        now = Sighting(answer.index, created)
        with self._lock:
            if self._known is None:
                self._history = replace(self._history, up=created != _NONE)
            else:
                self._history = self._history.after(self._known, now)
            self._known = now
            self._lock.notify_all()
