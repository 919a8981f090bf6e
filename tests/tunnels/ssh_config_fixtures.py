"""Fixtures: ssh_config files. Named in a test file's ``pytest_plugins``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture
def config(tmp_path: Path) -> Callable[[str], Path]:
    """Write an ssh_config."""

    def write(text: str) -> Path:
        path = tmp_path / "ssh_config"
        path.write_text(text)
        return path

    return write
