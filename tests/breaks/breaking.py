"""What a break is.

Each is a mutation of the switch agent inside its container, on the nodes where it matters: a text
that occurs once in a file of ``fixtures/cluster`` is replaced by another. What is not switched
must go on to work: where a class deploys in its given, the break strikes at its switch alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

AGENT = Path(__file__).parents[2] / "fixtures" / "cluster" / "consul" / "switch_agent"
ALL_NODES = ("core1", "core2", "core3", "core4")

DEPLOY_PAIR = "specs/deploy_specs.py:WhenAnApplicationIsDeployedOnAPair"
SWAP = "specs/exchange_specs.py:WhenMasterAndSlaveSwapTheirRoles"
KEEP_SLAVE = "specs/exchange_specs.py:WhenTheMasterMovesAndTheSlaveStays"


@dataclass(frozen=True)
class Break:
    """One way to break the cluster.

    ``spec`` is the class that must notice, ``sentences`` are those that must be red (others may),
    ``file`` is relative to the agent's package; ``how`` is what an operator would say is wrong.
    ``restart``: what is broken runs all the time, and has to be started anew to change.
    """

    name: str
    how: str
    spec: str
    sentences: tuple[str, ...]
    file: str
    old: str
    new: str
    nodes: tuple[str, ...] = ALL_NODES
    restart: bool = False

    @property
    def source(self) -> Path:
        """The file in this repository."""
        return AGENT / self.file

    def applied_to(self, text: str) -> str:
        """Return ``text`` broken; raise ``ValueError`` unless the old text is in it once."""
        if text.count(self.old) != 1:
            raise ValueError(
                f"{self.name}: {self.file} has {text.count(self.old)} times {self.old!r}"
            )
        return text.replace(self.old, self.new)
