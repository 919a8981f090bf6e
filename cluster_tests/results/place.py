"""Where results are: a directory for each run; beside it, of all runs, history and journal.

Whatever is kept asks here: a run that is told another place must keep all of it there.
"""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

VARIABLE = "CLUSTER_TESTS_RESULTS"
RUN_ID = "CLUSTER_TESTS_RUN_ID"
REPORT = "report.html"  # in a run's directory
INDEX = "index.json"  # in each failure's evidence: what was kept, and what was not
_DEFAULT = Path("results")


def results_root(environ: Mapping[str, str]) -> Path:
    """Return the directory below which each run has its own."""
    named = environ.get(VARIABLE)
    return Path(named) if named else _DEFAULT


def shown(path: Path) -> Path:
    """Shorten a path for people who are in the working directory, to paste it there."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path


def journal_path(environ: Mapping[str, str]) -> Path:
    """Return the file that says what runs created on clusters, and have not removed yet."""
    return results_root(environ) / "journal.jsonl"


def evidence_root(run: Path) -> Path:
    """Return where the evidence of a run's failures is, each in a directory of its own."""
    return run / "evidence"


def run_id(environ: Mapping[str, str]) -> str:
    """Name the run that begins: as whoever started it wants to find it again, or anew."""
    return environ.get(RUN_ID) or new_run_id()


def new_run_id() -> str:
    """Name a run: UTC time, so that names sort by it, and a few digits of chance."""
    return f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"


def utc_text(seconds: float | None = None) -> str:
    """Write a time (seconds since 1970; now by default) as ISO 8601 in UTC."""
    when = datetime.now(UTC) if seconds is None else datetime.fromtimestamp(seconds, UTC)
    return when.isoformat(timespec="milliseconds")
