"""Runs the real `run-contexts` in a process of its own, on spec files written for one test."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

WaitForLine = Callable[[subprocess.Popen[str], str], str]
DEADLINE = 30  # seconds that one small run may take


@dataclass
class SpecFolder:
    """A folder of spec files, and the processes started on it."""

    path: Path
    _started: list[subprocess.Popen[str]] = field(default_factory=list)

    def write(self, name: str, source: str) -> None:
        (self.path / name).write_text(textwrap.dedent(source))

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-m", "contexts", *(arguments or ("specs", "-v", "-s"))],
            cwd=self.path.parent,
            env={**os.environ, "PYTHONWARNINGS": "ignore"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._started.append(process)
        return process

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        process = self.start(*arguments)
        output, errors = process.communicate(timeout=DEADLINE)
        return subprocess.CompletedProcess(process.args, process.returncode, output, errors)

    def xml(self, *arguments: str) -> ET.Element:
        report = self.path / "report.xml"
        self.run(*(arguments or ("specs",)), "--xml", str(report))
        return ET.parse(report).getroot()  # noqa: S314 - we wrote it ourselves

    def close(self) -> None:
        for process in self._started:
            process.kill()
            process.communicate()


@pytest.fixture
def specs(tmp_path: Path) -> Iterator[SpecFolder]:
    folder = tmp_path / "specs"
    folder.mkdir()
    spec_folder = SpecFolder(folder)
    yield spec_folder
    spec_folder.close()


@pytest.fixture
def wait_for_line() -> WaitForLine:
    """Reads a process's output up to the line that holds a text; returns what came so far."""

    def wait(process: subprocess.Popen[str], text: str) -> str:
        assert process.stdout is not None
        seen = ""
        for line in process.stdout:
            seen += line
            if text in line:
                return seen
        pytest.fail(f"the process ended without saying {text!r}:\n{seen}")

    return wait
