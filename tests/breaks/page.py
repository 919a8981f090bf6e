"""Writes the lists of ``docs/proofs.md``: what was broken, and what every sentence said then."""

from __future__ import annotations

from typing import TYPE_CHECKING

from all_breaks import FAMILIES
from breaking import ROOT
from evidence import shortened
from seen_otherwise import SEEN_OTHERWISE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from breaking import Breakage
    from evidence import Proof, Red

PAGE = ROOT / "docs" / "proofs.md"
_LONGEST = 110  # characters of what a sentence said; docs/proofs.json has more of it
_BEGIN = "<!-- written by tests/breaks/prove.py --write, from docs/proofs.json -->\n"
_END = "<!-- the end of what is written -->\n"


def written(page: str, proofs: Mapping[str, Proof]) -> str:
    """Give the page with its lists as ``proofs`` has them.

    Raises ``ValueError`` for a page without the marks between which they belong.
    """
    before, begin, rest = page.partition(_BEGIN)
    _, end, after = rest.partition(_END)
    if not begin or not end:
        raise ValueError("the page has no place for the lists: its two marks are missing")
    return f"{before}{begin}{''.join(_lists(proofs))}{end}{after}"


def _lists(proofs: Mapping[str, Proof]) -> Iterator[str]:
    for title, family in FAMILIES.items():
        yield f"\n### {title}\n"
        for one in family:
            yield from _one(one, proofs.get(one.name))
    yield "\n### Seen in another way\n"
    for sentence, reason in SEEN_OTHERWISE.items():
        yield f"- {sentence.replace('_', ' ')}: {reason}\n"
    yield "\n"


def _one(one: Breakage, proof: Proof | None) -> Iterator[str]:
    where = one.spec.rpartition("/")[2]
    beside = "".join(f", beside `{name}`" for name in proof.beside) if proof else ""
    yield f"- **{one.how}** (`{one.name}`, {where}{beside})\n"
    seen = proof.red if proof and proof.holds_for(one) else {}
    for sentence in one.sentences:
        words = sentence.replace("_", " ")
        yield f"  - {words}: {_said(seen[sentence]) if sentence in seen else '*not seen yet*'}\n"


def _said(red: Red) -> str:
    text = shortened(red.said.replace("`", "'"), _LONGEST)
    return f"`{text}`" + (f" (in {red.times} of {red.of} examples)" if red.of > 1 else "")
