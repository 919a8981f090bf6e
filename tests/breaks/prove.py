"""Breaks the cluster in a known way, and sees to it that the specs notice.

    python tests/breaks/prove.py [NAME…]    those breaks, or all of them
    python tests/breaks/prove.py --list     what there is
    python tests/breaks/prove.py --table    the rows of docs/proofs.md, from what was seen last

The cluster is the local lab, or the one of CLUSTER_TESTS_INVENTORY; it must run the reference
cluster of this repository. It is restored whatever happens, Ctrl-C included; what a killed run
left broken is restored first. Exit code: 0 when every break was noticed and the unbroken cluster
is green, 1 when one was not, 2 when that could not be found out, 3 for a mistake in the arguments.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import yaml
from agents import apply, opened, require_broken, restore
from all_breaks import ALL_BREAKS
from breaking import SWAP, Break
from evidence import Result, keep, read_report, table
from leftovers import remove_leftovers

from cluster_tests.errors import ClusterTestsError, HarnessError, UsageError
from cluster_tests.inventory.file import load_inventory
from cluster_tests.lab.plan import LabPlan
from cluster_tests.report import say

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cluster_tests.inventory.entries import Inventory

ROOT = Path(__file__).parents[2]
_RESULTS = ROOT / "results" / "breaks"
_KEPT = _RESULTS / "broken.json"
# Seconds: a switch of the lab takes about 3, and a broken cluster is waited for to the end.
_SETTLE = 12
_RUN_SECONDS = 300


def main(arguments: list[str] | None = None) -> int:
    """Prove what was asked for; return the exit code."""
    options = _options(arguments)
    if options.list:
        for one in ALL_BREAKS:
            say(f"{one.name}: {one.how}", indent=0)
        return 0
    if options.table:
        say(table(_RESULTS, ALL_BREAKS), indent=0)
        return 0
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        chosen = _chosen(options.names)
        with _impatient_inventory(_inventory()) as path:
            return _prove_all(chosen, path)
    except ClusterTestsError as error:
        sys.stderr.write(f"error: {error}\n")
        return error.exit_code
    except KeyboardInterrupt:
        sys.stderr.write("interrupted; the cluster is restored\n")
        return 130


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Breaks the cluster, and sees the specs notice.")
    parser.add_argument("names", nargs="*", metavar="NAME", help="breaks (default: all)")
    parser.add_argument("--list", action="store_true", help="print all breaks")
    parser.add_argument("--table", action="store_true", help="print the table of docs/proofs.md")
    return parser.parse_args(arguments)


def _chosen(names: list[str]) -> list[Break]:
    known = {one.name: one for one in ALL_BREAKS}
    unknown = [name for name in names if name not in known]
    if unknown:
        raise UsageError(
            f"there is no break {', '.join(unknown)}", remedy="python tests/breaks/prove.py --list"
        )
    return [known[name] for name in names or known]


def _inventory() -> Path:
    named = os.environ.get("CLUSTER_TESTS_INVENTORY")
    return Path(named) if named else LabPlan().inventory


@contextmanager
def _impatient_inventory(original: Path) -> Iterator[Path]:
    """Copy the inventory, with a short deadline: what is broken will not settle anyway."""
    values = yaml.safe_load(original.read_text())
    values["deadlines"] = {**values.get("deadlines", {}), "settle": _SETTLE}
    ways = [node["ssh"] for node in values["nodes"].values()] + [values["forge"].get("ssh", {})]
    for ssh in ways:
        for key in ssh.keys() & {"identity_file", "known_hosts"}:
            ssh[key] = str(original.absolute().parent / ssh[key])
    with TemporaryDirectory(prefix="cluster-tests-breaks-") as directory:
        path = Path(directory) / "inventory.yaml"
        path.write_text(yaml.safe_dump(values))
        yield path


def _prove_all(chosen: list[Break], path: Path) -> int:
    inventory = load_inventory(path)
    inventory.require_may_change("break the cluster on purpose")
    _RESULTS.mkdir(parents=True, exist_ok=True)
    with opened(inventory) as agents:
        restore(agents, _KEPT)
    missed = [one.name for one in chosen if not _prove(one, path, inventory)]
    after = _run(SWAP, path)
    say(f"the unbroken cluster: {'green' if after.exit_code == 0 else after.red}", indent=0)
    say(f"{len(chosen) - len(missed)} of {len(chosen)} breaks were noticed", indent=0)
    if missed:
        say(f"not noticed as they must be: {', '.join(missed)}", indent=0)
    return 1 if missed or after.exit_code != 0 else 0


def _prove(one: Break, path: Path, inventory: Inventory) -> bool:
    say(f"{one.name}: {one.how}", indent=0)
    with _broken(one, path, inventory):
        result = _run(one.spec, path)
        with opened(inventory) as agents:
            require_broken(agents, one)
    keep(_RESULTS, one, result)
    unnoticed = [name for name in one.sentences if name not in result.red]
    for name, said in result.red.items():
        mark = "red, as it must be" if name in one.sentences else "red, too"
        say(f"{name} ({mark}): {' '.join(said.split())[:200]}")
    for name in unnoticed:
        say(f"{name}: NOT RED")
    say(f"exit code {result.exit_code}, {len(result.red)} red, {result.seconds:.1f} s")
    return not unnoticed and result.exit_code == 1


@contextmanager
def _broken(one: Break, path: Path, inventory: Inventory) -> Iterator[None]:
    try:
        with opened(inventory) as agents:
            apply(agents, one, _KEPT)
        yield
    finally:
        with _uninterrupted():
            with opened(inventory) as agents:
                restore(agents, _KEPT)
            for name in remove_leftovers(path):
                say(f"removed {name}, which the broken cluster had kept")


@contextmanager
def _uninterrupted() -> Iterator[None]:
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = {number: signal.signal(number, signal.SIG_IGN) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _run(spec: str, inventory: Path) -> Result:
    """Run one spec class; a signal is its to clean up, and ours once it has ended."""
    report = inventory.with_name("report.xml")
    report.unlink(missing_ok=True)
    command = [
        *(str(Path(sys.executable).with_name("run-contexts")), spec, "--seed", "1"),
        *("--inventory", str(inventory), "--xml", str(report)),
    ]
    started = time.monotonic()
    log = (_RESULTS / "last.log").open("wb")
    with log, subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log) as run:
        try:
            code = run.wait(_RUN_SECONDS)
        except subprocess.TimeoutExpired as error:
            raise HarnessError(f"{spec} has not ended after {_RUN_SECONDS} s") from error
        finally:
            _end(run)
    if not report.exists():
        raise HarnessError(
            f"{spec} ended with {code} and wrote no report", remedy=f"see {_RESULTS}/last.log"
        )
    sentences, red = read_report(report)
    return Result(code, time.monotonic() - started, sentences, red)


def _end(run: subprocess.Popen[bytes]) -> None:
    if run.poll() is None:
        with _uninterrupted():
            run.terminate()
            run.wait()


if __name__ == "__main__":
    sys.exit(main())
