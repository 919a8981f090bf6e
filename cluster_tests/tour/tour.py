"""Makes the steps of a plan in order; one that fails keeps its evidence, and the tour goes on."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cluster_tests.errors import ClusterError, ClusterTestsError, HarnessError
from cluster_tests.plugin.interrupts import interrupts
from cluster_tests.report import say
from cluster_tests.results.verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from cluster_tests.model import Switch
    from cluster_tests.session.session import Session
    from cluster_tests.tour.paper import Plan
    from cluster_tests.tour.stage import Stage

FAILURE = "failure.txt"  # in a step's evidence: what was wrong
_PATIENCE = 3  # steps in a row that nobody could judge, after which the tour ends


@dataclass(frozen=True)
class Result:
    """One step's verdict; ``seconds`` from asking to settled, None if it did not come so far.

    ``evidence`` is the directory of a step that did not pass.
    """

    number: int
    switch: Switch
    verdict: Verdict
    seconds: float | None
    evidence: Path | None = None
    complaints: tuple[str, ...] = ()


class Tour:
    """Makes the steps of ``plan`` from number ``first`` on; evidence goes to ``directory``."""

    def __init__(  # noqa: PLR0913 - what it walks with, what it walks, and who is told
        self,
        session: Session,
        stage: Stage,
        plan: Plan,
        directory: Path,
        *,
        first: int = 1,
        tell: Callable[[Result], None] = lambda _result: None,
    ) -> None:
        """Prepare; nothing is asked of the cluster yet. ``tell`` hears of each step as it ends."""
        self.results: list[Result] = []
        self._session = session
        self._stage = stage
        self._plan = plan
        self._directory = directory
        self._first = first
        self._tell = tell
        self._started = time.monotonic()

    def run(self) -> None:
        """Make the steps; ``results`` grows with each. Whatever happens, nothing stays behind.

        Raises ``Interrupted``, and the ``HarnessError`` of the last step when several steps in a
        row could not be judged: then there is no cluster to go on with.
        """
        self._started = time.monotonic()
        steps = list(enumerate(self._plan.steps, start=1))[self._first - 1 :]
        try:
            for number, switch in steps:
                interrupts.check()
                self._announce(number, switch, left=len(steps) - len(self.results))
                self.results.append(self._step(number, switch))
                self._tell(self.results[-1])
                self._require_judgement()
        finally:
            self._stage.clear()

    def _announce(self, number: int, switch: Switch, *, left: int) -> None:
        done = len(self.results)
        guess = (time.monotonic() - self._started) / done * left if done else None
        remaining = "" if guess is None else f"   {_clock(guess)} left"
        say(f"{number}/{len(self._plan.steps)} {switch.kind}: {switch}{remaining}", indent=0)

    def _step(self, number: int, switch: Switch) -> Result:
        try:
            self._stage.stand_at(switch.before)
            stepped = self._stage.step(switch.after)
        except HarnessError as error:
            return self._failed(number, switch, Verdict.UNKNOWN, [str(error)])
        except ClusterError as error:
            return self._failed(number, switch, Verdict.FAIL, [str(error)])
        seconds = stepped.moved.seconds
        if stepped.complaints:
            return self._failed(number, switch, Verdict.FAIL, stepped.complaints, seconds)
        return Result(number, switch, Verdict.PASS, seconds)

    def _failed(
        self,
        number: int,
        switch: Switch,
        verdict: Verdict,
        complaints: Sequence[str],
        seconds: float | None = None,
    ) -> Result:
        """Keep the evidence, and clear the stage for the next step."""
        directory = self._directory / "evidence" / f"step-{number:03}"
        self._stage.keep_evidence(directory)
        blocks = [f"step {number}: {switch.kind}: {switch}", *complaints]
        try:
            self._stage.clear()
        except ClusterTestsError as error:
            blocks.append(f"clearing up afterwards: {error}")
        directory.mkdir(parents=True, exist_ok=True)
        (directory / FAILURE).write_text("\n\n".join(blocks) + "\n", encoding="utf-8")
        say(f"{verdict}: {complaints[0]}\nevidence: {directory}")
        return Result(number, switch, verdict, seconds, directory, tuple(complaints))

    def _require_judgement(self) -> None:
        last = self.results[-_PATIENCE:]
        if len(last) == _PATIENCE and all(each.verdict is Verdict.UNKNOWN for each in last):
            raise HarnessError(
                f"{_PATIENCE} steps in a row could not be judged: the tour ends at step"
                f" {last[-1].number}",
                remedy="see that the cluster is up (for the lab: cluster-tests lab status), then"
                " go on with --from",
            )


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02} min"
