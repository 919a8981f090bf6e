"""Keeps the evidence of a failure: what the nodes tell, and how they differ from the oracle.

It is collected while the state is still there, and must never mask the failure that asked for it:
whatever goes wrong here is told in a line.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from pprint import pformat
from typing import TYPE_CHECKING

from cluster_tests.evidence.collecting import collect
from cluster_tests.evidence.parts import Part, parts, parts_of
from cluster_tests.expectation.comparison import comparable, container_names, difference
from cluster_tests.report import Progress, say

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from cluster_tests.cluster.cluster import Cluster
    from cluster_tests.expectation.oracle import Expectation
    from cluster_tests.model import Application
    from cluster_tests.session.session import Session


_TOLD = 4  # parts that are missing and named on the terminal; a node that is down has a dozen


@dataclass(frozen=True)
class Subject:
    """An application the evidence is about; without ``expectation`` nothing was asked for yet."""

    application: Application
    expectation: Expectation | None


def keep_evidence(
    session: Session, subjects: Sequence[Subject], directory: Path, since: float
) -> None:
    """Collect all that nodes and Consul tell since then, and of each subject; say where it is.

    ``since`` is in seconds since 1970. Raises nothing that a node or the disk is to blame for.
    """
    wanted = list(parts(session.cluster, session.inventory, since))
    for subject in subjects:
        prefix = f"{subject.application.name}." if len(subjects) > 1 else ""
        wanted += _of(session.cluster, subject, since, prefix)
    began = time.monotonic()
    try:
        with Progress("collecting evidence"):
            kept = collect(wanted, directory)
    except OSError as error:
        say(f"evidence could not be written to {directory}: {error}")
        return
    missing = [part for part in kept if part.missing]
    size = sum(part.bytes for part in kept)
    say(
        f"evidence: {directory} ({len(kept) - len(missing)} files, {size / 1e6:.1f} MB,"
        f" {time.monotonic() - began:.1f} s)"
    )
    for part in missing[:_TOLD]:
        say(f"  without {part.where} {part.name}: {part.missing.splitlines()[0]}")
    if len(missing) > _TOLD:
        say(f"  and {len(missing) - _TOLD} more: see {directory}/index.json")


def _of(cluster: Cluster, subject: Subject, since: float, prefix: str) -> Iterator[Part]:
    """Yield what tells of one application; with ``prefix``, files of several lie side by side."""
    found = [*parts_of(cluster, subject.application, since), *_compared(cluster, subject)]
    yield from (replace(part, name=f"{prefix}{part.name}") for part in found)


def _compared(cluster: Cluster, subject: Subject) -> Iterator[Part]:
    expectation = subject.expectation
    if expectation is not None:
        yield Part("", "observation.txt", lambda: _side_by_side(cluster, expectation))


def _side_by_side(cluster: Cluster, expectation: Expectation) -> str:
    shown = cluster.observe(expectation.footprint)
    expected = expectation.observation(container_names(expectation, shown))
    blocks = {
        "difference": str(difference(expectation, shown)),
        "expected": pformat(expected, width=120),
        "observed": pformat(comparable(expectation, shown), width=120),
        "as shown": pformat(shown, width=120),
    }
    return "\n\n".join(f"=== {title}\n{text}" for title, text in blocks.items())
