"""A copy of this suite with a mistake in it, for a run to use instead of the suite itself."""

from __future__ import annotations

import shutil
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from breaking import ROOT, SUITE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from breaking import Slip


@contextmanager
def slipped(one: Slip) -> Iterator[dict[str, str]]:
    """Give the environment in which Python finds the copy."""
    with TemporaryDirectory(prefix="cluster-tests-slip-") as name:
        directory = Path(name)
        shutil.copytree(SUITE, directory / SUITE.name)
        (directory / "fixtures").symlink_to(ROOT / "fixtures")
        copy = directory / SUITE.name / one.file
        copy.write_text(one.applied_to(one.source.read_text()))
        yield {"PYTHONPATH": str(directory)}
