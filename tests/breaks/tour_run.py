"""Walks a short tour against an inventory, and tells what it said of the steps that failed."""

from __future__ import annotations

import re
import sys
import time
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from breaking import ROOT
from evidence import Red, Result
from spec_run import run_to_its_end

from cluster_tests.model import Switch
from cluster_tests.tour.paper import Plan, placement_of

if TYPE_CHECKING:
    from collections.abc import Mapping

BEGIN = "tour "
# What a tour says of a step, by what it must be true of: `tour/chronicle.py`, `tour/stage.py`.
CLAIMS = {
    "should_have_every_record_since_the_last_destroy_over_http": r"core\d: over HTTP: .*lost.*",
    "should_have_every_record_since_the_last_destroy_over_ssh": r"core\d: over SSH: .*lost.*",
    "should_lose_the_cache_with_its_node": r"core\d: cache: expected .*",
    "should_find_nobody_after_a_destroy": r"core\d: of a destroyed application: .*",
    "should_settle_as_the_oracle_says": r".*: not within .*",
}


def steps_of(spec: str) -> tuple[Switch, ...]:
    """Read ``tour nowhere => core1 => …``."""
    placements = [placement_of(text) for text in spec.removeprefix(BEGIN).split(" => ")]
    return tuple(Switch(*both) for both in pairwise(placements))


def run_tour(spec: str, inventory: Path, log: Path, environment: Mapping[str, str]) -> Result:
    """Walk it; its output goes to ``log``. Raises ``HarnessError`` for one that does not end."""
    steps = steps_of(spec)
    roles = {role for step in steps for role in (step.after.master, step.after.slave)}
    nodes = sorted(node for node in roles if node is not None)
    plan = inventory.with_name("plan.json")
    Plan("random", 1, tuple(nodes), steps).save(plan)
    program = str(Path(sys.executable).with_name("cluster-tests"))
    started = time.monotonic()
    code = run_to_its_end(
        [program, "tour", "--plan", str(plan), "--inventory", str(inventory)], log, environment
    )
    return Result(code, time.monotonic() - started, read_evidence(log.read_text()))


def read_evidence(output: str) -> dict[str, Red]:
    """Look through what a tour, by its ``output``, kept of the steps that failed."""
    paths = re.findall(r"evidence: (\S+)", output)
    said = "\n".join((ROOT / path / "failure.txt").read_text() for path in paths)
    found = {claim: re.search(f"^{text}$", said, re.MULTILINE) for claim, text in CLAIMS.items()}
    return {claim: Red(match[0], 1, 1) for claim, match in found.items() if match}
