"""Everything that is looked at: each node and the forge side by side, then the nodes compared."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from cluster_tests.doctor.checking import Check, begin, examined
from cluster_tests.doctor.findings import Finding, Outcome
from cluster_tests.doctor.forge import forge_checks
from cluster_tests.doctor.judging import judged_clocks, judged_leaders
from cluster_tests.doctor.node import NodeExamination
from cluster_tests.session.access import sockets_directory

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from cluster_tests.inventory.entries import Inventory

    Begun = Callable[[str, str], None]

INVENTORY, FORGE, TOGETHER = "inventory", "forge", "all nodes"
V = TypeVar("V")


def examine(inventory: Inventory, begun: Begun) -> list[Finding]:
    """Make all checks; a node that hangs or is down costs its own part alone.

    ``begun`` is told subject and check when a look begins, from several threads.
    """
    deadlines = inventory.deadlines
    # A login consists of several waits, each with a deadline of its own.
    limit = 3 * deadlines.connect + deadlines.answer
    with sockets_directory() as directory:
        nodes = [NodeExamination(inventory, node, Path(directory)) for node in inventory.nodes]
        closings: list[Finding] = []
        try:
            findings = _of_all(inventory, nodes, limit, begun)
        finally:
            closings += _closed(nodes, limit, begun)
    return [*_of_inventory(inventory), *findings, *closings, *_compared(nodes, limit, begun)]


def _of_all(
    inventory: Inventory, nodes: list[NodeExamination], limit: float, begun: Begun
) -> list[Finding]:
    parts = {node.node: node.checks() for node in nodes} | {FORGE: forge_checks(inventory)}
    under_way = [
        begin(partial(_listed, subject, checks, limit, begun)) for subject, checks in parts.items()
    ]
    return [finding for part in under_way for finding in part.result()]


def _closed(nodes: list[NodeExamination], limit: float, begun: Begun) -> list[Finding]:
    """Close what was opened; only what cannot be closed is worth a word, and costs no other's."""
    findings = [
        finding
        for node in nodes
        for finding in examined(node.node, [Check("closing", node.close)], limit, begun)
    ]
    return [finding for finding in findings if finding.outcome is not Outcome.HOLDS]


def _listed(subject: str, checks: list[Check], limit: float, begun: Begun) -> list[Finding]:
    return list(examined(subject, checks, limit, begun))


def _of_inventory(inventory: Inventory) -> list[Finding]:
    may = "yes: specs may change it" if inventory.may_change else "no: specs refuse to touch it"
    return [
        Finding(INVENTORY, "file", Outcome.HOLDS, f"{len(inventory.nodes)} nodes"),
        Finding(INVENTORY, "may_change", Outcome.NOTE, may),
    ]


def _compared(nodes: list[NodeExamination], limit: float, begun: Begun) -> list[Finding]:
    """Compare what the nodes told; one that told nothing is not compared, and it is said so."""
    offsets = {node.node: node.offset for node in nodes}
    leaders = {node.node: node.leader for node in nodes}
    clocks = _comparison("clocks", offsets, judged_clocks, limit, begun)
    return [clocks, _comparison("leader", leaders, judged_leaders, limit, begun)]


def _comparison(
    check: str,
    told: Mapping[str, V | None],
    judged: Callable[[Mapping[str, V]], str],
    limit: float,
    begun: Begun,
) -> Finding:
    values = {node: value for node, value in told.items() if value is not None}
    silent = [node for node in told if node not in values]
    if len(values) > 1:
        [finding] = examined(TOGETHER, [Check(check, lambda: judged(values))], limit, begun)
        if not silent or finding.outcome is not Outcome.HOLDS:
            return finding
    return Finding(TOGETHER, check, Outcome.NOT_CHECKED, f"not told by {', '.join(silent)}")
