"""Runs the specs: grammar first, the session when the first spec asks for it, and its end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from contexts.plugins.reporting.cli import (
    FailuresOnlyAfter,
    FailuresOnlyBefore,
    FinalCountsReporter,
    VerboseReporter,
)

from cluster_tests.errors import ClusterTestsError, UsageError
from cluster_tests.grammar.rules import require_good_grammar
from cluster_tests.plugin.interrupts import interrupts
from cluster_tests.plugin.options import add_options, inventory_source, refuse
from cluster_tests.plugin.recording import RecordingPlugin
from cluster_tests.plugin.selection import SelectionPlugin
from cluster_tests.plugin.verdict import VerdictPlugin
from cluster_tests.plugin.xml_errors import XmlErrorsPlugin
from cluster_tests.report import say
from cluster_tests.session import current

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Generator, Mapping
    from types import ModuleType

# Who is told of an error that Contexts does not hear of, in the order Contexts would tell them.
_LISTENERS = [
    XmlErrorsPlugin,
    RecordingPlugin,
    VerdictPlugin,
    FailuresOnlyBefore,
    VerboseReporter,
    FailuresOnlyAfter,
    FinalCountsReporter,
]


class _Listener(Protocol):
    def unexpected_error(self, error: Exception) -> None: ...


class RunningPlugin:
    """Owns what the specs of one run share, and sees to it that it ends."""

    def __init__(self) -> None:
        """Nothing is opened before a spec asks for it."""
        self._import_errors = 0
        self._listeners: list[_Listener] = []
        self._quiet = False

    @classmethod
    def locate(cls) -> tuple[None, type]:
        """Check the grammar before anything is selected, run or written down."""
        return None, SelectionPlugin

    def setup_parser(self, parser: argparse.ArgumentParser) -> None:
        """Add ``--inventory`` and ``--keep``."""
        add_options(parser)

    def initialise(self, args: argparse.Namespace, environ: Mapping[str, str]) -> bool:
        """Check the inventory that was named, and say how a session is to be opened."""
        interrupts.catch()
        self._quiet = args.verbosity == "quiet"
        try:
            current.configure(inventory_source(args, environ), keep=args.keep)
        except UsageError as error:
            refuse(error)
        return True

    def request_plugins(self) -> Generator[list[type], dict[type, _Listener], None]:
        """Ask for those who are told of errors at the session's end."""
        active = yield _LISTENERS
        self._listeners = [active[kind] for kind in _LISTENERS if kind in active]

    def test_run_started(self) -> None:
        """From here on an interruption is part of the run."""
        interrupts.run_started()

    def unexpected_error(self, _error: Exception) -> None:
        """Count: before the modules are processed, it is an import that failed."""
        self._import_errors += 1

    def process_module_list(self, modules: list[ModuleType]) -> None:
        """Let nothing run unless all of it can run as it reads."""
        if self._import_errors:
            raise UsageError(
                f"{self._import_errors} spec file(s) could not be imported: nothing was run",
                remedy="the errors above say why",
            )
        require_good_grammar(modules)

    def test_class_started(self, _cls: type) -> None:  # noqa: PT019 - a hook, no test
        """Start no class once somebody asked the run to end."""
        interrupts.check()

    def context_started(self, _cls: type, _example: object) -> None:
        """Start no example once somebody asked the run to end."""
        interrupts.check()

    def assertion_started(self, _sentence: Callable[..., object]) -> None:
        """Ask no sentence once somebody asked the run to end."""
        interrupts.check()

    def test_run_ended(self) -> None:
        """Close the session; what goes wrong there is part of the run's report."""
        interrupts.run_ended()
        self._tell(current.take_notices())
        try:
            lines = current.close()
        except ClusterTestsError as error:
            for listener in self._listeners:
                listener.unexpected_error(error)
        else:
            self._tell(lines)

    def _tell(self, lines: list[str]) -> None:
        for line in lines if not self._quiet else ():
            say(line, indent=0)
