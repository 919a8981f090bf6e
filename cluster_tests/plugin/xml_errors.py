"""Completes the XML report: Contexts leaves out whatever goes wrong outside of a sentence.

The file is JUnit's, as CI systems read it: a `testsuite` for each context, a `testcase` for each
sentence, and here one more for a given, because or cleanup that raised.
"""

from __future__ import annotations

import traceback
from pathlib import Path
from typing import TYPE_CHECKING

from contexts.plugin_interface import NO_EXAMPLE
from contexts.plugins.reporting.xml import XmlReporter

if TYPE_CHECKING:
    import argparse
    from collections.abc import Generator, Mapping

CLEANUP = "cleanup"
# The functions of contexts.core that run the steps of a context.
_STEPS = {"run_setup": "given", "run_action": "because", "run_teardown": CLEANUP}
_BEFORE = frozenset({"given", "because"})  # what the cleanup comes after


class XmlErrorsPlugin:
    """Adds errors outside of sentences to Contexts' own XML reporter."""

    def __init__(self) -> None:
        """``request_plugins`` brings the reporter."""
        self._xml: XmlReporter = None

    @classmethod
    def locate(cls) -> tuple[None, type]:
        """Come before the file is written."""
        return None, XmlReporter

    def initialise(self, args: argparse.Namespace, _environ: Mapping[str, str]) -> bool:
        """Take part when a report was asked for, and make room for it."""
        if not args.xml_path:
            return False
        Path(args.xml_path).parent.mkdir(parents=True, exist_ok=True)
        return True

    def request_plugins(self) -> Generator[list[type], dict[type, object], None]:
        """Ask for the reporter that writes the file."""
        active = yield [XmlReporter]
        self._xml = active[XmlReporter]

    def context_errored(self, cls: type, example: object, error: Exception) -> None:
        """Add the steps that raised to the context that is open."""
        for step, raised in failed_steps(error):
            self._add(step, raised)
        self._xml.context_ended(cls, example)

    def test_class_errored(self, cls: type, error: Exception) -> None:
        """Add a suite for a class that could not even start."""
        self._add_suite(cls, error)

    def unexpected_error(self, error: Exception) -> None:
        """Add a suite for what belongs to no class."""
        self._add_suite(type("TheRunItself", (), {}), error)

    def _add_suite(self, cls: type, error: Exception) -> None:
        self._xml.context_started(cls, NO_EXAMPLE)
        self._add("start", error)
        self._xml.context_ended(cls, NO_EXAMPLE)

    def _add(self, step: str, error: Exception) -> None:
        def stand_in() -> None:
            """Lend its name: the reporter names a test case after a function."""

        stand_in.__name__ = step
        self._xml.assertion_started(stand_in)
        self._xml.assertion_errored(stand_in, error)


def failed_steps(error: Exception) -> list[tuple[str, Exception]]:
    """List the steps of a context that raised, in order, each with what it raised.

    Contexts runs the cleanup in any case, and hands on what that raises: a given or because that
    raised before is the exception's context (Python's data model, ``__context__``).
    """
    found = [(failed_step(error), error)]
    earlier = error.__context__
    while earlier is not None:
        if isinstance(earlier, Exception) and failed_step(earlier) in _BEFORE:
            found.insert(0, (failed_step(earlier), earlier))
        earlier = earlier.__context__
    return found


def failed_step(error: Exception) -> str:
    """Tell in which step of a context ``error`` was raised: given, because, cleanup or context."""
    frames = (frame.f_code.co_name for frame, _ in traceback.walk_tb(error.__traceback__))
    return next((_STEPS[name] for name in frames if name in _STEPS), "context")
