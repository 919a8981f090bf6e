"""What runs of broken clusters said: read from their reports, and kept in ``docs/proofs.json``.

That file is the one source of what was seen red; the lists in ``docs/proofs.md`` are made from it.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Self
from xml.etree import ElementTree as ET

from breaking import ROOT

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from breaking import Breakage

PROOFS = ROOT / "docs" / "proofs.json"
_LONGEST = 160  # characters of what a sentence said that are kept


@dataclass(frozen=True)
class Red:
    """One sentence (or step): what it said when it was red first; in how many ``of`` examples."""

    said: str
    times: int
    of: int


@dataclass(frozen=True)
class Result:
    """One run: its exit code, and what was red by sentence or step."""

    exit_code: int
    seconds: float
    red: Mapping[str, Red]


@dataclass(frozen=True)
class Proof:
    """What was seen of a break on a day, while it was what ``fingerprint`` tells.

    ``beside`` names what else was broken at that time.
    """

    fingerprint: str
    seen: str
    red: Mapping[str, Red]
    beside: tuple[str, ...] = ()

    @classmethod
    def read(cls, values: Mapping[str, Any]) -> Self:
        """Read one entry of the file."""
        return cls(
            str(values["fingerprint"]),
            str(values["seen"]),
            {sentence: Red(**each) for sentence, each in values["red"].items()},
            tuple(str(name) for name in values.get("beside", ())),
        )

    def holds_for(self, one: Breakage) -> bool:
        """Tell whether this is about the break as it is now, and all that it must turn red."""
        return self.fingerprint == one.fingerprint and set(self.red) == set(one.sentences)


def read_report(path: Path) -> dict[str, Red]:
    """Read which sentences and steps of a run are red.

    Raises ``OSError`` or ``ET.ParseError`` when there is no report.
    """
    said: dict[str, str] = {}
    times: Counter[str] = Counter()
    of: Counter[str] = Counter()
    for case in ET.parse(path).getroot().iter("testcase"):  # noqa: S314 - our own file
        name = str(case.get("name")).replace(" ", "_")
        of[name] += 1
        problems = [each for each in case if each.tag in {"failure", "error"}]
        if problems:
            times[name] += 1
            said.setdefault(name, f"{problems[0].get('message')}")
    return {name: Red(text, times[name], of[name]) for name, text in said.items()}


def shortened(text: str, longest: int = _LONGEST) -> str:
    """Give the beginning of a message, where its subject is, on one line."""
    flat = " ".join(text.split())
    return flat if len(flat) <= longest else f"{flat[: longest - 2]} …"


def load_proofs(path: Path = PROOFS) -> dict[str, Proof]:
    """Read what was seen, by the breaks' names."""
    if not path.exists():
        return {}
    return {name: Proof.read(each) for name, each in json.loads(path.read_text()).items()}


def keep_proof(
    one: Breakage,
    result: Result,
    day: str,
    path: Path = PROOFS,
    *,
    beside: tuple[str, ...] = (),
) -> None:
    """Add what was seen of a break that was noticed, in place of what was seen of it before."""
    red = {
        sentence: Red(shortened(seen.said), seen.times, seen.of)
        for sentence, seen in result.red.items()
        if sentence in one.sentences
    }
    proofs = {**load_proofs(path), one.name: Proof(one.fingerprint, day, red, beside)}
    values = {name: asdict(proofs[name]) for name in sorted(proofs)}
    path.write_text(json.dumps(values, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
