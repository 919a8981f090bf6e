"""What an examination found, as people read it: by subject, what fails last and with its remedy."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from rich.padding import Padding
from rich.text import Text

from cluster_tests.doctor.findings import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from rich.console import Console

    from cluster_tests.doctor.findings import Finding

_SOME, _MORE = 2, 4  # columns of indentation


def show(console: Console, findings: Sequence[Finding]) -> None:
    """Print all findings, by subject in the order in which they come."""
    for subject, group in groupby(findings, lambda finding: finding.subject):
        console.print(Text(subject, "bold"))
        for indent, part in _paragraphs(list(group)):
            if console.is_terminal:
                console.print(Padding(part, (0, 0, 0, indent)))
            else:  # for grep, and for whoever pastes the command
                console.print(Text(" " * indent) + part, soft_wrap=True)


def _paragraphs(findings: list[Finding]) -> Iterator[tuple[int, Text]]:
    """Give each paragraph with its indentation."""
    held = [finding for finding in findings if finding.outcome is Outcome.HOLDS]
    if held:
        yield _SOME, Text.assemble(("holds", "green"), ": ", ", ".join(map(_briefly, held)))
    for finding in findings:
        if finding.outcome is Outcome.NOTE:
            yield _SOME, Text(f"{finding.check}: {finding.told}")
    yield from ((_SOME, left) for left in _not_checked(findings))
    for finding in findings:
        if finding.outcome is Outcome.FAILS:
            said = f": {finding.check}: {finding.told}"
            yield _SOME, Text.assemble(("FAILS", "bold red"), said)
            if finding.remedy:
                yield _MORE, Text(f"to mend it: {finding.remedy}")


def _not_checked(findings: Iterable[Finding]) -> Iterator[Text]:
    left = [finding for finding in findings if finding.outcome is Outcome.NOT_CHECKED]
    for why in dict.fromkeys(finding.told for finding in left):
        names = ", ".join(finding.check for finding in left if finding.told == why)
        yield Text.assemble(("not checked", "yellow"), f": {names} (as {why})")


def _briefly(finding: Finding) -> str:
    return f"{finding.check} ({finding.told})" if finding.told else finding.check


def summary(findings: Sequence[Finding]) -> str:
    """Count the outcomes, in a sentence."""
    counts = [
        f"{sum(finding.outcome is outcome for finding in findings)} {said}"
        for outcome, said in (
            (Outcome.HOLDS, "hold"),
            (Outcome.FAILS, "fail"),
            (Outcome.NOT_CHECKED, "could not be made"),
        )
    ]
    total = sum(finding.outcome is not Outcome.NOTE for finding in findings)
    return f"{total} checks: {', '.join(counts)}"
