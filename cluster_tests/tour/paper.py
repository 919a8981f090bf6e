"""A plan on paper: as numbered lines, and as a file from which a tour can be repeated."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cluster_tests.errors import UsageError
from cluster_tests.model import NOWHERE, Placement, Switch
from cluster_tests.tour.plan import chained

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@dataclass(frozen=True)
class Plan:
    """The steps of a tour over ``nodes``, and what they were made from: a mode and a seed."""

    mode: str
    seed: int
    nodes: tuple[str, ...]
    steps: tuple[Switch, ...]

    def lines(self) -> Iterator[str]:
        """Write the plan for people, a numbered step a line."""
        yield f"tour {self.mode}: {len(self.steps)} switches from seed {self.seed}"
        width = len(str(len(self.steps)))
        for number, step in enumerate(self.steps, start=1):
            yield f"{number:{width}}  {step.kind:<14} {step}"

    def save(self, path: Path) -> None:
        """Write the plan so that ``load_plan`` gives it back."""
        steps = [
            {
                "step": number,
                "kind": step.kind,
                "before": str(step.before),
                "after": str(step.after),
            }
            for number, step in enumerate(self.steps, start=1)
        ]
        plan = {"mode": self.mode, "seed": self.seed, "nodes": self.nodes, "steps": steps}
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(plan, indent=1) + "\n", encoding="utf-8")


def load_plan(path: Path) -> Plan:
    """Read a plan; raise ``UsageError`` for a file that is none."""
    try:
        plan: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        steps = tuple(
            Switch(placement_of(step["before"]), placement_of(step["after"]))
            for step in plan["steps"]
        )
        loaded = Plan(str(plan["mode"]), int(plan["seed"]), tuple(plan["nodes"]), steps)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UsageError(
            f"{path} is no plan of a tour: {error}",
            remedy="name a plan that `cluster-tests tour` saved under results/",
        ) from error
    if not steps or not chained(steps):
        raise UsageError(f"{path}: its steps do not lead from one to the next")
    return loaded


def placement_of(text: str) -> Placement:
    """Read a placement as it prints; raise ``ValueError`` for what is none."""
    if text == str(NOWHERE):
        return NOWHERE
    names = text.split("/")
    if not all(names):
        raise ValueError(f"{text!r} is no placement")
    return Placement(*names)
