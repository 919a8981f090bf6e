"""What a run of one spec class said: read from its XML report, kept, and printed as a table."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from breaking import Break


@dataclass(frozen=True)
class Result:
    """One run: its exit code, and what every red sentence (or step) said."""

    exit_code: int
    seconds: float
    sentences: int
    red: Mapping[str, str]


def read_report(path: Path) -> tuple[int, dict[str, str]]:
    """Count the sentences in a report, and give what those that are red said.

    Raises ``OSError`` or ``ET.ParseError`` when there is no report.
    """
    cases = list(ET.parse(path).getroot().iter("testcase"))  # noqa: S314 - our own file
    red = {
        str(case.get("name")).replace(" ", "_"): f"{problem.get('message')}"
        for case in cases
        for problem in case
        if problem.tag in {"failure", "error"}
    }
    return sum(str(case.get("name")).startswith("should") for case in cases), red


def keep(folder: Path, one: Break, result: Result) -> None:
    """Keep the result for the table."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{one.name}.json").write_text(json.dumps(asdict(result), indent=1))


def table(folder: Path, breaks: Iterable[Break]) -> str:
    """Write the table of ``docs/proofs.md``: one row a sentence that had to be red."""
    lines = ["| sentence | how the cluster was broken | what it said |", "| --- | --- | --- |"]
    for one in breaks:
        path = folder / f"{one.name}.json"
        red = json.loads(path.read_text())["red"] if path.exists() else {}
        for sentence in one.sentences:
            words = sentence.replace("_", " ")
            said = as_cell(red[sentence]) if sentence in red else "*not seen yet*"
            lines.append(f"| {words} | {one.how} (`{one.name}`) | {said} |")
    return "\n".join(lines)


def as_cell(text: str, longest: int = 300) -> str:
    """Write a message as one cell of a table; of a long one the beginning and the end."""
    flat = " ".join(text.split()).replace("|", "\\|").replace("`", "'")
    half = longest // 2
    return f"`{flat}`" if len(flat) <= longest else f"`{flat[:half]} … {flat[-half:]}`"
