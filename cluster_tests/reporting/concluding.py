"""Makes of a run's directory what people and CI systems read, and puts it into the history."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cluster_tests.errors import ClusterTestsError, HarnessError
from cluster_tests.history.store import History
from cluster_tests.history.values import Standing
from cluster_tests.reporting.junit import junit
from cluster_tests.reporting.page import page
from cluster_tests.reporting.summary import summary
from cluster_tests.results.place import REPORT
from cluster_tests.results.reader import read_results

if TYPE_CHECKING:
    from pathlib import Path

    from cluster_tests.results.values import Results


def conclude(directory: Path) -> Path:
    """Write report.html, junit.xml and summary.md beside the results; return the report's path.

    May be called again, and writes the same again. Raises ``UsageError`` for a directory without
    results, ``HarnessError`` where something cannot be written.
    """
    results = read_results(directory)
    try:
        standing, broken = _standing(directory, results), None
    except ClusterTestsError as error:  # raised below: the report does not depend on it
        standing, broken = Standing(), error
    texts = {
        "junit.xml": junit(results),
        "summary.md": summary(results, standing),
        REPORT: page(results, standing),
    }
    for name, text in texts.items():
        _write(directory / name, text)
    if broken is not None:
        raise broken
    return directory / REPORT


def _standing(directory: Path, results: Results) -> Standing:
    history = History(directory.resolve().parent)
    history.add(results)
    return history.standing(results.run.run_id)


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8", errors="replace")
    except OSError as error:
        raise HarnessError(
            f"{path} cannot be written: {error.strerror}",
            remedy=f"make room or give rights there, then: cluster-tests report {path.parent}",
        ) from error
