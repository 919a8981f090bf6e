"""The witness: a thread with an asyncio loop that makes each attempt when it is due (``pace``)."""

from __future__ import annotations

import asyncio
import math
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from itertools import count, product
from typing import TYPE_CHECKING, Self

from cluster_tests.errors import HarnessError
from cluster_tests.fronts.front import HTTP_PORT
from cluster_tests.witness.attempts import Answer, Attempt, Outcome, Route, What
from cluster_tests.witness.clients import Address, greeting, read, write
from cluster_tests.witness.downtime import PATIENCE
from cluster_tests.witness.pace import Pace
from cluster_tests.witness.schedule import HAIR
from cluster_tests.witness.statement import Statement

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import TracebackType

    from cluster_tests.fronts.ledger import Ledger, Record
    from cluster_tests.witness.attempts import Slot, Way
    from cluster_tests.witness.outlook import Foresight

RATE = 50.0  # turns a second over each route, where something is about to change
# Seconds after which an attempt is given up. A write may be stored yet: longer than any proxy waits
# for a connection. What stores nothing was not served then, whatever comes: not to wait for it
# spares the nodes the answer, which would come just when the application does.
_DEADLINES = {What.WRITE: 10.0, What.READ: PATIENCE, What.GREETING: PATIENCE}
# Seconds after which attempts that are under way at the end are given up, and in which the loop
# must have ended then.
_GRACE, _FAREWELL = 1.0, 5.0
# Seconds in which the first answers are waited for: it is a witness without them, too.
_FIRST = 1.0


@dataclass(frozen=True)
class Watched:
    """What is watched: a ledger through every node, how it is written to, and how often at most.

    ``foresight`` listens to what the cluster says while the witness is open. ``make`` gives the
    record of a number to be written through a node, ``first`` is the first number, ``known`` a
    record that was acknowledged before. ``rate`` is the turns a second: each is for one attempt
    over each route. ``ssh`` tells whether its SSH server is to be reached. ``linger`` is the
    seconds after the end in which every way through every node should be served again; where it is
    not, the attempts tell.
    """

    ledgers: Mapping[str, Ledger]
    make: Callable[[int, str], Record]
    first: int
    known: Record
    foresight: Foresight
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
        routes = tuple(Route) if watched.ssh else (Route.HTTP,)
        self._pace = Pace(product(watched.ledgers, routes), watched.rate)
        self._addresses: dict[Way, Address] = {}
        self._attempts: list[Attempt] = []
        self._news = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._lock = threading.Lock()  # of the loop, which is another thread's
        self._until = 0.0
        self._unheard = set(routes)
        self._heard, self._over = threading.Event(), threading.Event()
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="witness", daemon=True)
        self._began, self._zero = 0.0, 0.0

    @property
    def statement(self) -> Statement:
        """All attempts; to be asked for after the end."""
        return Statement(tuple(sorted(self._attempts, key=lambda each: each.planned)))

    def __enter__(self) -> Self:
        """Begin, and wait for an answer over each route: what that takes is taken from no switch.

        Raises ``FrontError`` where a way leads nowhere before anything is switched.
        """
        for node, ledger in self._watched.ledgers.items():
            self._addresses[node, Route.HTTP] = ledger.front.address(HTTP_PORT)
            if self._watched.ssh:
                self._addresses[node, Route.SSH] = ledger.front.address(ledger.port)
        self._thread.start()
        try:
            self._heard.wait(_FIRST)
        except BaseException:  # an interruption: nobody will end what is not entered
            self._finish()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        """End, once all ways are served again; raise what broke the witness itself."""
        linger = self._watched.linger if kind is None else 0.0
        self._finish(linger)
        self._thread.join(linger + _GRACE + _FAREWELL)
        if kind is not None:
            return
        if self._failure is not None:
            raise self._failure
        if self._thread.is_alive():
            raise HarnessError("the witness's loop does not end")

    def _finish(self, linger: float = 0.0) -> None:
        self._until = time.monotonic() + linger
        self._over.set()
        self._stir()

    def _run(self) -> None:
        try:
            asyncio.run(self._watch())
        except BaseException as error:  # noqa: BLE001 - a thread has nobody to raise to but the rest
            self._failure = error
        finally:
            self._heard.set()

    async def _watch(self) -> None:
        self._began, self._zero = time.time(), time.monotonic()
        self._loop = asyncio.get_running_loop()
        try:
            with self._watched.foresight.listening(self._stir):
                await self._take_turns()
        finally:
            with self._lock:
                self._loop = None

    def _stir(self) -> None:
        """Have it look again whether all is calm; from any thread."""
        with self._lock:
            if self._loop is not None:
                self._loop.call_soon_threadsafe(self._news.set)

    async def _take_turns(self) -> None:
        tasks: list[asyncio.Task[None]] = []
        after = 0.0
        while not (self._over.is_set() and self._may_end()):
            self._news.clear()
            self._pace.outlook = self._watched.foresight.outlook()
            self._pace.ending = self._over.is_set()
            slots = (self._pace.slot((after, route)) for route in self._pace.routes)
            tasks += (asyncio.create_task(self._attempt(slot)) for slot in slots if slot)
            after = await self._next(after)
        await _end(tasks)

    def _may_end(self) -> bool:
        return self._pace.all_served() or time.monotonic() > self._until

    async def _next(self, after: float) -> float:
        """Wait for the turn at which something may be due next, and tell when it is.

        Where that is not the next one, news may come before: to wake up for each turn would cost
        more than what is tried.
        """
        rate, following = self._watched.rate, round(after * self._watched.rate) + 1
        turn = math.ceil(self._pace.next_due(after) * rate - HAIR)
        if turn > following:
            with suppress(TimeoutError):  # nothing has changed
                await asyncio.wait_for(self._news.wait(), self._seconds_until(turn / rate))
                turn = max(following, math.ceil((time.monotonic() - self._zero) * rate))
        await asyncio.sleep(self._seconds_until(turn / rate))
        return turn / rate

    def _seconds_until(self, after: float) -> float:
        return max(0.0, self._zero + after - time.monotonic())

    async def _attempt(self, slot: Slot) -> None:
        planned, begun = self._began + slot.after, self._now()
        connected, way = time.monotonic(), self._watched.ledgers[slot.node].front.way
        record = self._record(slot)
        deadline = _DEADLINES[slot.what]
        try:
            async with asyncio.timeout(deadline):
                answer = await self._answer(slot, record)
        except TimeoutError:
            answer = _unanswered(slot, f"no answer within {deadline:g} s")
        except asyncio.CancelledError:
            answer = _unanswered(slot, "no answer until the end")
        cut_off = way.broke_under(connected)
        attempt = Attempt(
            planned, begun, self._now(), slot.node, slot.what, answer, record, cut_off
        )
        self._pace.ended(slot, answer)
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
        self._unheard.discard(attempt.route)
        if not self._unheard:
            self._heard.set()
        acknowledged = attempt.answer.outcome is Outcome.ACKNOWLEDGED
        if self._over.is_set() or not acknowledged:
            self._news.set()
        if attempt.what is What.WRITE and acknowledged:
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
