"""The witness: a thread with an asyncio loop that makes each attempt when it is due.

What it asks costs the nodes time that the switch would have. So it looks seldom where nothing is
about to change: through a node that serves, and through one that does not while the cluster says
that it is in maintenance. All turns are for the others: from the moment on at which it says so, or
an attempt fails or is slow, until nothing is served any more, and from the end of the maintenance
until all is. So both ends of an outage are seen at the full rate, and so is what is written just
before it, which is what may be lost.
"""

from __future__ import annotations

import asyncio
import threading
import time
from dataclasses import dataclass
from functools import partial
from itertools import count
from typing import TYPE_CHECKING, Self

from cluster_tests.errors import HarnessError
from cluster_tests.fronts.front import HTTP_PORT
from cluster_tests.witness.attempts import Answer, Attempt, Outcome, Route, What
from cluster_tests.witness.clients import Address, greeting, read, write
from cluster_tests.witness.schedule import Rota, turns
from cluster_tests.witness.statement import Statement

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import TracebackType

    from cluster_tests.fronts.ledger import Ledger, Record
    from cluster_tests.witness.attempts import Slot, Turn

RATE = 50.0  # turns a second over HTTP, where something is about to change
# Seconds after which an attempt is given up: longer than any proxy waits for a connection.
_DEADLINE = 10.0
# Seconds from one attempt over a route to the next while nothing is about to change there, through
# whichever node. A greeting is a process more for a node.
_CALM = {Route.HTTP: 0.1, Route.SSH: 0.5}
# Seconds within which an answer is due where all is calm.
_PROMPT = 1.0
# Seconds after which attempts that are under way at the end are given up, and in which the loop
# must have ended then.
_GRACE, _FAREWELL = 1.0, 5.0


@dataclass(frozen=True)
class Watched:
    """What is watched: a ledger through every node, how it is written to, and how often at most.

    ``in_maintenance`` tells whether the cluster says that it is, and not yet that it comes back,
    without a question to it: it is called at each turn. ``make`` gives the record of a number to be
    written through a node, ``first`` is the first number, ``known`` a record that was acknowledged
    before. ``rate`` is that of ``turns``. ``ssh`` tells whether its sshd is to be reached at all.
    ``linger`` is the seconds after the end in which every way through every node should be served
    again; where it is not, the attempts tell.
    """

    ledgers: Mapping[str, Ledger]
    make: Callable[[int, str], Record]
    first: int
    known: Record
    in_maintenance: Callable[[], bool]
    rate: float = RATE
    ssh: bool = True
    linger: float = 0.0


class Witness:
    """Writes and reads while it is open: ``with Witness(watched) as witness``."""

    def __init__(self, watched: Watched) -> None:
        """Plan; nothing is tried yet."""
        self._watched = watched
        self._numbers = count(watched.first)
        self._latest = watched.known
        self._addresses: dict[tuple[str, Route], Address] = {}
        self._attempts: list[Attempt] = []
        self._rota = Rota(tuple(watched.ledgers))
        self._beats: dict[tuple[str, Route], int] = {}  # of the last attempt
        self._under_way: set[Slot] = set()
        self._last: dict[tuple[str, Route], Attempt] = {}
        self._until = 0.0
        self._over = threading.Event()
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="witness", daemon=True)
        self._began, self._zero = 0.0, 0.0

    @property
    def statement(self) -> Statement:
        """All attempts; to be asked for after the end."""
        return Statement(tuple(sorted(self._attempts, key=lambda each: each.planned)))

    def __enter__(self) -> Self:
        """Begin. Raises ``FrontError`` where a way leads nowhere before anything is switched."""
        for node, ledger in self._watched.ledgers.items():
            self._addresses[node, Route.HTTP] = ledger.front.address(HTTP_PORT)
            if self._watched.ssh:
                self._addresses[node, Route.SSH] = ledger.front.address(ledger.port)
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        """End, once all ways are served again; raise what broke the witness itself."""
        linger = self._watched.linger if kind is None else 0.0
        self._until = time.monotonic() + linger
        self._over.set()
        self._thread.join(linger + _GRACE + _FAREWELL)
        if kind is not None:
            return
        if self._failure is not None:
            raise self._failure
        if self._thread.is_alive():
            raise HarnessError("the witness's loop does not end")

    def _run(self) -> None:
        try:
            asyncio.run(self._watch())
        except BaseException as error:  # noqa: BLE001 - a thread has nobody to raise to but the rest
            self._failure = error

    async def _watch(self) -> None:
        watched = self._watched
        self._began, self._zero = time.time(), time.monotonic()
        tasks: list[asyncio.Task[None]] = []
        for turn in turns(watched.rate, ssh=watched.ssh):
            await asyncio.sleep(self._zero + turn[0] - time.monotonic())
            if self._over.is_set() and self._may_end():
                break
            slot = self._rota.slot(turn, partial(self._is_due, turn))
            if slot is not None:
                tasks.append(asyncio.create_task(self._attempt(slot)))
        await _end(tasks)

    def _is_due(self, turn: Turn, node: str) -> bool:
        """Tell whether something is to be tried through ``node`` at a turn."""
        after, route = turn
        beat = self._rota.beat(node, after, _CALM[route])
        return beat > self._beats.get((node, route), -1) or not self._is_calm(node, turn)

    def _is_calm(self, node: str, turn: Turn) -> bool:
        """Tell whether the way is neither about to go away nor about to come back."""
        after, route = turn
        last = self._last.get((node, route))
        if last is None:  # nothing is known, and nothing has begun
            return not (self._over.is_set() or self._watched.in_maintenance())
        served = last.answer.outcome is Outcome.ACKNOWLEDGED
        if self._watched.in_maintenance():
            return not served
        waiting = (
            slot.after for slot in self._under_way if (slot.node, slot.route) == (node, route)
        )
        return served and after - min(waiting, default=after) <= _PROMPT

    def _may_end(self) -> bool:
        last = [self._last.get(way) for way in self._addresses]
        served = all(each and each.answer.outcome is Outcome.ACKNOWLEDGED for each in last)
        return served or time.monotonic() > self._until

    async def _attempt(self, slot: Slot) -> None:
        planned, begun = self._began + slot.after, self._now()
        connected, way = time.monotonic(), self._watched.ledgers[slot.node].front.way
        record = self._record(slot)
        self._under_way.add(slot)
        beat = self._rota.beat(slot.node, slot.after, _CALM[slot.route])
        self._beats[slot.node, slot.route] = beat
        try:
            async with asyncio.timeout(_DEADLINE):
                answer = await self._answer(slot, record)
        except TimeoutError:
            answer = _unanswered(slot, f"no answer within {_DEADLINE:g} s")
        except asyncio.CancelledError:
            answer = _unanswered(slot, "no answer until the end")
        finally:
            self._under_way.remove(slot)
        cut_off = way.broke_under(connected)
        attempt = Attempt(
            planned, begun, self._now(), slot.node, slot.what, answer, record, cut_off
        )
        self._keep(attempt)

    def _record(self, slot: Slot) -> Record | None:
        if slot.what is What.WRITE:
            return self._watched.make(next(self._numbers), slot.node)
        return self._latest if slot.what is What.READ else None

    async def _answer(self, slot: Slot, record: Record | None) -> Answer:
        address = self._addresses[slot.node, slot.route]
        if record is None:
            return await greeting(address)
        ask = write if slot.what is What.WRITE else read
        return await ask(self._watched.ledgers[slot.node], address, record)

    def _keep(self, attempt: Attempt) -> None:
        self._attempts.append(attempt)
        way = (attempt.node, attempt.route)
        if way not in self._last or self._last[way].planned < attempt.planned:
            self._last[way] = attempt
        if attempt.what is What.WRITE and attempt.answer.outcome is Outcome.ACKNOWLEDGED:
            self._latest = attempt.record or self._latest

    def _now(self) -> float:
        # On the wall clock as it was at the start: it may be set meanwhile.
        return self._began + time.monotonic() - self._zero


def _unanswered(slot: Slot, reason: str) -> Answer:
    return Answer(Outcome.UNKNOWN if slot.what is What.WRITE else Outcome.FAILED, reason)


async def _end(tasks: list[asyncio.Task[None]]) -> None:
    """Wait for those under way, give up those that take too long, raise what broke one."""
    if tasks:
        _, late = await asyncio.wait(tasks, timeout=_GRACE)
        for task in late:
            task.cancel()
        await asyncio.gather(*tasks)
