"""What is heard of a switch before clients feel it.

The maintenance flag rises when the proxies may already be following it: whoever begins to look
often only then has missed the last moment at which the application was served. So what nodes do
before it counts as well, by the contract's words: where the master moves, its containers are
created on the next node while the ones that serve still run; where it stays, the nodes meet
below ``migrate/`` before it is stopped. A cluster that says nothing beforehand is seen less
sharply, and no worse than that.
"""

from __future__ import annotations

import time
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

from cluster_tests.consul.watch import MEETINGS, Answer, ConsulWatch
from cluster_tests.nodes.engine_events import EngineEvents
from cluster_tests.nodes.node import PROJECT
from cluster_tests.witness.outlook import Outlook

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from cluster_tests.cluster.cluster import Cluster
    from cluster_tests.model import Application, Switch
    from cluster_tests.waiting.signals import Source

# Seconds in which a hint is news: what it announces follows by then, or not at all.
_FRESH = 1.0


class SwitchForesight:
    """Hears of one switch of an application; one for each."""

    def __init__(self, cluster: Cluster, application: Application, switch: Switch) -> None:
        """Listen for ``switch``; nothing is heard yet."""
        self._cluster = cluster
        self._application = application
        self._stays = switch.before.master == switch.after.master
        self._hinted: float | None = None
        self._was_away = False

    def outlook(self) -> Outlook:
        """Tell what is to be expected; hints count until the maintenance has begun."""
        if self._cluster.hears_of_maintenance(self._application):
            self._was_away = True
            return Outlook.AWAY
        fresh = self._hinted is not None and time.monotonic() - self._hinted <= _FRESH
        return Outlook.LEAVING if fresh and not self._was_away else Outlook.STEADY

    @contextmanager
    def listening(self, news: Callable[[], None]) -> Iterator[None]:
        """Listen as long as this is open; call ``news`` whenever the outlook may have changed."""
        with self._cluster.overheard(partial(self._hear, news)):
            # What was heard last, before the switch, is told once more.
            self._hinted = None
            yield

    def _hear(self, news: Callable[[], None], source: Source, _at: float, what: object) -> None:
        hinted = self._meet(source, what) if self._stays else self._is_created(source, what)
        if hinted:
            self._hinted = time.monotonic()
        if hinted or isinstance(source, ConsulWatch):
            news()

    def _is_created(self, source: Source, what: object) -> bool:
        """Tell whether a container of the next deployment is created.

        Each is a hint: after the last one it can be 40 ms to the maintenance, which is as long as
        the event takes to reach us, and an attempt to be made.
        """
        if not (isinstance(source, EngineEvents) and isinstance(what, dict)):
            return False
        labels = what["Actor"].get("Attributes") or {}
        return what["Action"] == "create" and labels.get(PROJECT) == self._application.project

    def _meet(self, source: Source, what: object) -> bool:
        """Tell whether the nodes have begun to meet."""
        if not (isinstance(source, ConsulWatch) and isinstance(what, Answer)):
            return False
        prefix = self._application.meeting_prefix
        return source.watched == MEETINGS and any(
            item["Key"].startswith(prefix) for item in what.items
        )
