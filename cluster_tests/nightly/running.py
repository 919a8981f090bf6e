"""Runs a night's commands, each in a process group of its own, until the night's deadline.

A command that is still running then is asked to end as by Ctrl-C, so that it removes what it
created; whatever does not end is ended harder.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cluster_tests.nightly.steps import verdict_of
from cluster_tests.report import say
from cluster_tests.results.verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from cluster_tests.nightly.steps import Step

# Seconds that a command has to clean up after it was asked to end, before it is asked harder.
GRACE = 120.0
# Seconds after which it is asked again how long is left: a signal makes that less.
_LOOK = 0.5
_HARDER = (signal.SIGINT, signal.SIGTERM, signal.SIGKILL)


@dataclass(frozen=True)
class Done:
    """What came of a step: its verdict, and why it is not the command's own."""

    step: Step
    verdict: Verdict
    seconds: float
    remark: str = ""


class Nightwatch:
    """Runs steps until ``seconds`` are over. A signal ends the step that runs, and the night."""

    def __init__(
        self,
        seconds: float,
        environ: Mapping[str, str],
        grace: float = GRACE,
        lock: int | None = None,
    ) -> None:
        """Begin to count. ``lock`` is a file descriptor that whatever runs holds open, too."""
        self._deadline = time.monotonic() + seconds
        self._environ = environ
        self._grace = grace
        self._kept_open = () if lock is None else (lock,)
        self._signal: int | None = None
        self._process: subprocess.Popen[bytes] | None = None

    def catch(self) -> None:
        """From now on, let SIGINT and SIGTERM end the night in good order."""
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._caught)

    def run(self, planned: Iterable[Step]) -> list[Done]:
        """Run the steps in order; those that cannot be judged any more are told, and left out."""
        done: list[Done] = []
        broken = ""
        for step in planned:
            reason = broken or self._over()
            if reason and not step.always:
                done.append(Done(step, Verdict.UNKNOWN, 0.0, f"not run: {reason}"))
                continue
            done.append(self._run(step))
            if step.needed and done[-1].verdict is not Verdict.PASS and not broken:
                broken = f"{step.name} did not succeed"
        return done

    def _over(self) -> str:
        if self._signal is not None:
            return "interrupted"
        return "the night's deadline has passed" if time.monotonic() >= self._deadline else ""

    def _run(self, step: Step) -> Done:
        say(f"--- {step.name}: {' '.join(step.command)}", indent=0)
        began, earlier = time.monotonic(), self._signal
        try:
            # A group of its own: a Ctrl-C at the terminal comes through us, once.
            environment = {**self._environ, **step.environment}
            process = subprocess.Popen(
                step.command, env=environment, start_new_session=True, pass_fds=self._kept_open
            )
        except OSError as error:
            return Done(step, Verdict.UNKNOWN, 0.0, f"it cannot be started: {error}")
        self._process = process
        if self._signal != earlier:  # it came while the command was being started
            os.killpg(process.pid, signal.SIGINT)
        remark = self._await(process, step)
        self._process = None
        took = time.monotonic() - began
        if self._signal is not None and not step.always:
            return Done(step, Verdict.INTERRUPTED, took, remark)
        return Done(
            step, Verdict.UNKNOWN if remark else verdict_of(step, process.returncode), took, remark
        )

    def _await(self, process: subprocess.Popen[bytes], step: Step) -> str:
        """Wait for its end; tell why it had to be ended, "" where it ended by itself."""
        # What has to be done in any case has to be done after the deadline, too.
        own = time.monotonic() + self._grace if step.always else None
        while (left := (own or self._deadline) - time.monotonic()) > 0:
            try:
                process.wait(min(left, _LOOK))
            except subprocess.TimeoutExpired:
                continue
            return ""
        end(process, self._grace)
        interrupted = self._signal is not None and not step.always
        return "it did not end when interrupted" if interrupted else "ended by the night's deadline"

    def _caught(self, number: int, _frame: object) -> None:
        self._signal = number
        # Nobody waits for hours for one that does not end when it is asked to.
        self._deadline = min(self._deadline, time.monotonic() + self._grace)
        if self._process is not None:
            # The one that runs cleans up; who waits for it returns then.
            os.killpg(self._process.pid, signal.SIGINT)


def end(process: subprocess.Popen[bytes], grace: float) -> None:
    """End a process and its group: as by Ctrl-C, then harder, with ``grace`` seconds after each."""
    for number in _HARDER:
        try:
            os.killpg(process.pid, number)
        except ProcessLookupError:
            break
        try:
            process.wait(grace)
        except subprocess.TimeoutExpired:
            continue
        break
    process.wait()
