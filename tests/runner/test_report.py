from __future__ import annotations

import io
import re
import threading
from typing import TYPE_CHECKING

from cluster_tests.report import Progress, say

if TYPE_CHECKING:
    import pytest


class Stream(io.StringIO):
    """A terminal or a log that tells when something was written to it."""

    def __init__(self, *, terminal: bool) -> None:
        super().__init__()
        self._terminal = terminal
        self.written = threading.Event()

    def isatty(self) -> bool:
        return self._terminal

    def write(self, text: str) -> int:
        count = super().write(text)
        self.written.set()
        return count


def test_lines_are_indented(capsys: pytest.CaptureFixture[str]) -> None:
    say("one\ntwo")
    assert capsys.readouterr().out == "    one\n    two\n"


def test_what_is_quick_prints_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = Stream(terminal=True)
    monkeypatch.setattr("sys.stdout", stream)
    with Progress("deploying", patience=60):
        pass
    assert stream.getvalue() == ""


def test_a_log_gets_a_plain_line(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = Stream(terminal=False)
    monkeypatch.setattr("sys.stdout", stream)
    with Progress("deploying", patience=0):
        assert stream.written.wait(10)
    assert re.fullmatch(r"    deploying … \d+ s so far\n", stream.getvalue())


def test_a_terminal_gets_a_live_line_that_is_gone_at_the_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stream = Stream(terminal=True)
    monkeypatch.setattr("sys.stdout", stream)
    with Progress("asking", patience=0) as progress:
        assert stream.written.wait(10)
        stream.written.clear()
        progress.doing("settling")
        assert stream.written.wait(10)
    shown = stream.getvalue()
    assert "\n" not in shown
    assert "asking" in shown
    assert "settling" in shown
    assert shown.endswith("\r\x1b[K")
