"""Runs a spec class, or a file of them, against an inventory, and tells what was red."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from breaking import ROOT
from evidence import Result, read_report

from cluster_tests.errors import HarnessError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_RUN_SECONDS = 200


def run_spec(spec: str, inventory: Path, log: Path, environment: Mapping[str, str]) -> Result:
    """Run it; its output goes to ``log``. A signal is its to clean up, and ours once it has ended.

    Raises ``HarnessError`` for a run that does not end, or has no report.
    """
    report = inventory.with_name("report.xml")
    report.unlink(missing_ok=True)
    command = [
        *(str(Path(sys.executable).with_name("run-contexts")), spec, "--seed", "1"),
        *("--inventory", str(inventory), "--xml", str(report)),
    ]
    started = time.monotonic()
    code = run_to_its_end(command, log, environment)
    if not report.exists():
        raise HarnessError(f"{spec} ended with {code} and wrote no report", remedy=f"see {log}")
    return Result(code, time.monotonic() - started, read_report(report))


def run_to_its_end(command: list[str], log: Path, environment: Mapping[str, str]) -> int:
    """Run a command; give its exit code. Raises ``HarnessError`` when it does not end in time."""
    whole = {**os.environ, **environment}
    with (
        log.open("wb") as output,
        subprocess.Popen(command, cwd=ROOT, env=whole, stdout=output, stderr=output) as run,
    ):
        try:
            return run.wait(_RUN_SECONDS)
        except subprocess.TimeoutExpired as error:
            raise HarnessError(
                f"{' '.join(command)} has not ended after {_RUN_SECONDS} s"
            ) from error
        finally:
            if run.poll() is None:
                with uninterrupted():
                    run.terminate()
                    run.wait()


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Let no signal keep us from mending what was broken."""
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = {number: signal.signal(number, signal.SIG_IGN) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
