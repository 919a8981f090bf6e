"""Breaks the cluster in a known way, and sees to it that the specs notice.

    python tests/breaks/prove.py [NAME…]    those breaks, or all of them
    python tests/breaks/prove.py --list     what there is, and what was not seen yet
    python tests/breaks/prove.py --owed     all that was not seen yet, or was changed since
    python tests/breaks/prove.py --together the breaks for one class at once (docs/proofs.md tells)
    python tests/breaks/prove.py --for N    begin no further break after N seconds
    python tests/breaks/prove.py --settle N wait N seconds for a switch, on a machine that is busy
    python tests/breaks/prove.py --write    write the lists of docs/proofs.md from docs/proofs.json

The cluster is the local lab, or the one of CLUSTER_TESTS_INVENTORY; it must run the reference
cluster of this repository. It is restored whatever happens, Ctrl-C included; what a killed run
left broken is restored first. What is seen goes to docs/proofs.json, and from there to
docs/proofs.md. Exit code: 0 when every break was noticed and the unbroken cluster is green, 1 when
one was not, 2 when that could not be found out, 3 for a mistake in the arguments.
"""

from __future__ import annotations

import argparse
import itertools
import os
import signal
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, TypeVar

import yaml
from all_breaks import ALL_BREAKS
from breaking import SWAP
from evidence import load_proofs
from page import PAGE, written
from proving import PREFIX, RESULTS, grouped, mend, prove
from spec_run import run_spec

from cluster_tests.errors import ClusterTestsError, UsageError
from cluster_tests.inventory.file import load_inventory
from cluster_tests.lab.plan import LabPlan
from cluster_tests.report import say

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from breaking import Breakage

T = TypeVar("T")

# Seconds: a switch of the lab takes about 3, and a broken cluster is waited for to the end.
_SETTLE = 12


def main(arguments: list[str] | None = None) -> int:
    """Prove what was asked for; return the exit code."""
    options = _options(arguments)
    if options.list:
        _list()
        return 0
    if options.write:
        _write_page()
        return 0
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        chosen = _owed() if options.owed else _chosen(options.names)
        with _impatient_inventory(_inventory(), options.settle) as path:
            groups = grouped(chosen, together=options.together)
            try:
                return _prove_all(groups, path, options.seconds)
            finally:
                _write_page()
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
    parser.add_argument("--owed", action="store_true", help="all that was not seen as it is now")
    parser.add_argument("--together", action="store_true", help="a spec class's breaks at once")
    parser.add_argument(
        "--for", type=float, dest="seconds", metavar="N", help="begin none after N seconds"
    )
    parser.add_argument(
        "--settle", type=float, default=_SETTLE, metavar="N", help="the deadline of a switch"
    )
    parser.add_argument("--write", action="store_true", help="write the lists of docs/proofs.md")
    return parser.parse_args(arguments)


def _list() -> None:
    owed = _owed()
    for one in ALL_BREAKS:
        say(f"{one.name}: {one.how}{' (not seen yet)' if one in owed else ''}", indent=0)


def _owed() -> list[Breakage]:
    proofs = load_proofs()
    return [
        one for one in ALL_BREAKS if one.name not in proofs or not proofs[one.name].holds_for(one)
    ]


def _chosen(names: list[str]) -> list[Breakage]:
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
def _impatient_inventory(original: Path, settle: float) -> Iterator[Path]:
    """Copy the inventory, with a short deadline: what is broken will not settle anyway."""
    load_inventory(original)  # which tells what is wrong with it
    values = yaml.safe_load(original.read_text())
    values["deadlines"] = {**values.get("deadlines", {}), "settle": settle}
    ways = [node["ssh"] for node in values["nodes"].values()] + [values["forge"].get("ssh", {})]
    for ssh in ways:
        for key in ssh.keys() & {"identity_file", "known_hosts"}:
            ssh[key] = str(original.absolute().parent / ssh[key])
    with TemporaryDirectory(prefix=PREFIX) as directory:
        path = Path(directory) / "inventory.yaml"
        path.write_text(yaml.safe_dump(values))
        yield path


def _write_page() -> None:
    PAGE.write_text(written(PAGE.read_text(), load_proofs()))


def _prove_all(groups: list[tuple[Breakage, ...]], path: Path, seconds: float | None) -> int:
    inventory = load_inventory(path)
    inventory.require_may_change("break the cluster on purpose")
    RESULTS.mkdir(parents=True, exist_ok=True)
    mend(inventory)
    noticed: dict[str, bool] = {}
    for group in _in_time(groups, seconds):
        noticed |= prove(group, path, inventory)
    missed = [name for name, was in noticed.items() if not was]
    say(f"{len(noticed) - len(missed)} of {len(noticed)} breaks were noticed", indent=0)
    after = run_spec(SWAP, path, RESULTS / "unbroken.log", {})
    say(f"the unbroken cluster: {'green' if after.exit_code == 0 else after.red}", indent=0)
    if missed:
        say(f"not noticed as they must be: {', '.join(missed)}", indent=0)
    return 1 if missed or after.exit_code != 0 else 0


def _in_time(groups: Iterable[T], seconds: float | None) -> Iterator[T]:
    until = time.monotonic() + seconds if seconds is not None else float("inf")
    return itertools.takewhile(lambda _: time.monotonic() < until, groups)


if __name__ == "__main__":
    sys.exit(main())
