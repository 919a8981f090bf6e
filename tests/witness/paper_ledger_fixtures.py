"""Fixture: the small ledger, for as long as a test. Named in ``pytest_plugins``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from paper_ledger import Stage

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def stage() -> Iterator[Stage]:
    stage = Stage()
    for thread in stage.threads:
        thread.start()
    yield stage
    stage.close()
