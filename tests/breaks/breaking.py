"""What a break is, of three sorts: of the switch agent, of a node, or of this suite itself.

A ``Break`` is a mutation of the switch agent inside its container, on the nodes where it matters: a
text that occurs once in a file of ``fixtures/cluster`` is replaced by another. What is not switched
must go on to work: where a class deploys in its given, the break strikes at its switch alone.

A ``Damage`` is done to the nodes themselves, by a shell script that another one undoes.

A ``Slip`` is a mutation of this suite, in a copy of it: for sentences that guard the suite's own
steps, which no cluster can turn red.
"""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
AGENT = ROOT / "fixtures" / "cluster" / "consul" / "switch_agent"
SUITE = ROOT / "cluster_tests"
ALL_NODES = ("core1", "core2", "core3", "core4")

DEPLOY_PAIR = "specs/deploy_specs.py:WhenAnApplicationIsDeployedOnAPair"
SWAP = "specs/exchange_specs.py:WhenMasterAndSlaveSwapTheirRoles"
FOUNDATION = "specs/infrastructure_specs.py"
STAY = "specs/stay_specs.py:WhenAnApplicationAloneIsDeployedAgain"
KEEP_SLAVE = "specs/exchange_specs.py:WhenTheMasterMovesAndTheSlaveStays"

_FAILED, _UNFIT = 1, 2


@dataclass(frozen=True, kw_only=True)
class Breakage:
    """One way to break something.

    ``spec`` is the class, or the file of classes, that must notice; ``sentences`` are those that
    must be red (others may); ``how`` is what an operator would say is wrong.
    """

    name: str
    how: str
    spec: str
    sentences: tuple[str, ...]

    @property
    def exit_code(self) -> int:
        """How the run must end: a failing foundation proves nothing about a cluster."""
        return _UNFIT if self.spec.startswith(FOUNDATION) else _FAILED

    @property
    def fingerprint(self) -> str:
        """A digest of what is done and where it must be noticed, but not of how it is told."""
        values = {
            key: value for key, value in asdict(self).items() if key not in ("name", "how", "alone")
        }
        return hashlib.sha256(repr(sorted(values.items())).encode()).hexdigest()[:12]


@dataclass(frozen=True, kw_only=True)
class Mutation(Breakage):
    """A text in a file that is replaced by another; ``file`` is relative to where the sort is."""

    file: str
    old: str
    new: str

    @property
    def source(self) -> Path:
        """The file in this repository."""
        raise NotImplementedError

    def applied_to(self, text: str) -> str:
        """Return ``text`` broken; raise ``ValueError`` unless the old text is in it once."""
        if text.count(self.old) != 1:
            raise ValueError(
                f"{self.name}: {self.file} has {text.count(self.old)} times {self.old!r}"
            )
        return text.replace(self.old, self.new)


@dataclass(frozen=True, kw_only=True)
class Break(Mutation):
    """A mutation of the switch agent.

    ``restart``: what is broken runs all the time, and has to be started anew to change. ``alone``:
    what else is broken for the same spec would not be seen any more.
    """

    nodes: tuple[str, ...] = ALL_NODES
    restart: bool = False
    alone: bool = False

    @property
    def source(self) -> Path:
        """The file in this repository."""
        return AGENT / self.file


@dataclass(frozen=True, kw_only=True)
class Slip(Mutation):
    """A mutation of this suite."""

    @property
    def source(self) -> Path:
        """The file in this repository."""
        return SUITE / self.file


@dataclass(frozen=True, kw_only=True)
class Damage(Breakage):
    """What is done to ``node``, and undone, by scripts for a shell there; root runs them."""

    node: str
    script: str
    undo: str
