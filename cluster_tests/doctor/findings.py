"""What came of a check: frozen values, for people and for programs."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import StrEnum


class Outcome(StrEnum):
    """Whether what was looked at is as it must be."""

    HOLDS = "holds"
    FAILS = "fails"
    NOT_CHECKED = "not checked"
    NOTE = "note"


@dataclass(frozen=True)
class Finding:
    """The outcome of one check of ``subject`` (a node, the forge …).

    ``told`` is what was seen, or why it was not checked; ``remedy`` the command that mends it.
    """

    subject: str
    check: str
    outcome: Outcome
    told: str = ""
    remedy: str = ""

    def as_json(self) -> dict[str, str]:
        """Give it in JSON's types."""
        return asdict(self)
