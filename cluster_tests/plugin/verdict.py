"""What a run proves: it passed, something failed, or nobody can tell; and the exit code of each.

A sentence that fails says something about the cluster. An error of the harness or the lab says
nothing about it: the verdict is unknown, which is neither.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import contexts.core
from contexts.plugins.reporting import ExitCodeReporter

from cluster_tests.errors import ClusterTestsError, HarnessError, LabError, UsageError
from cluster_tests.plugin.foundation import FoundationPlugin
from cluster_tests.plugin.interrupts import Interrupted
from cluster_tests.plugin.xml_errors import XmlErrorsPlugin, failed_steps
from cluster_tests.report import say
from cluster_tests.results.verdict import Verdict, in_sum

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Generator, Mapping


# What says of the foundation that the nodes are not fit.
_OF_THE_NODES = frozenset({Verdict.FAIL, Verdict.UNKNOWN})


def verdict_of(error: Exception) -> Verdict:
    """Judge one error. A foreign exception is a bug, and a bug is never a maybe: fail."""
    if isinstance(error, Interrupted):
        return Verdict.INTERRUPTED
    if isinstance(error, UsageError):
        return Verdict.USAGE
    return Verdict.UNKNOWN if isinstance(error, HarnessError | LabError) else Verdict.FAIL


class VerdictPlugin:
    """Judges every result, makes our own errors readable, and decides on the exit code."""

    def __init__(self) -> None:
        """Nothing has been judged yet."""
        self._counts: Counter[Verdict] = Counter()
        self._quiet = False
        self._foundation: FoundationPlugin | None = None

    @classmethod
    def locate(cls) -> tuple[type, type]:
        """Come after the XML plugin, which reads tracebacks, and before those that print."""
        return XmlErrorsPlugin, ExitCodeReporter

    def initialise(self, args: argparse.Namespace, _environ: Mapping[str, str]) -> bool:
        """Take part in every run; ``-q`` silences the closing line."""
        self._quiet = args.verbosity == "quiet"
        return True

    def request_plugins(self) -> Generator[list[type], dict[type, FoundationPlugin], None]:
        """Ask for the one who knows whether the foundation is under way."""
        active = yield [FoundationPlugin]
        self._foundation = active.get(FoundationPlugin)

    def assertion_passed(self, _sentence: Callable[..., object]) -> None:
        """Count a sentence that held."""
        self._counts[Verdict.PASS] += 1

    def assertion_failed(self, _sentence: Callable[..., object], error: Exception) -> None:
        """Count a sentence that did not hold."""
        self._judge(error)

    def assertion_errored(self, _sentence: Callable[..., object], error: Exception) -> None:
        """Judge an error inside a sentence."""
        self._judge(error)

    def context_errored(self, _cls: type, _example: object, error: Exception) -> None:
        """Judge the errors of a given, a because and a cleanup, and let none hide another."""
        *earlier, (_, last) = failed_steps(error)
        for step, raised in earlier:
            self._judge(raised)
            if isinstance(last, ClusterTestsError):  # of others the whole chain is printed
                last.add_note(f"before that, its {step} raised: {raised}")
        self._judge(last)

    def test_class_errored(self, _cls: type, error: Exception) -> None:  # noqa: PT019 - a hook
        """Judge an error of a class's examples or construction."""
        self._judge(error)

    def unexpected_error(self, error: Exception) -> None:
        """Judge an error outside of all classes: an import, the grammar, the session's end."""
        self._judge(error)

    def get_exit_code(self) -> int:
        """Close the run: print the verdict, return its exit code (cluster_tests.errors)."""
        verdict = self.verdict()
        if not self._quiet:
            unknown = self._counts[Verdict.UNKNOWN]
            detail = f", {unknown} could not be judged" if unknown else ""
            say(f"verdict: {verdict}{detail}", indent=0)
        return verdict.exit_code

    def verdict(self) -> Verdict:
        """Return what the run says in sum; a run in which nothing was proved did not pass."""
        return in_sum(self._counts, of_nothing=Verdict.USAGE)

    def _judge(self, error: Exception) -> None:
        self._counts[self._verdict_of(error)] += 1
        if isinstance(error, ClusterTestsError | Interrupted):
            _drop_traceback(error)
        else:
            _drop_framework(error)

    def _verdict_of(self, error: Exception) -> Verdict:
        verdict = verdict_of(error)
        unfit = self._foundation is not None and self._foundation.under_way
        return Verdict.INFRASTRUCTURE if unfit and verdict in _OF_THE_NODES else verdict


def _drop_traceback(error: Exception) -> None:
    # Contexts prints every exception with its traceback. Ours carry what failed and what mends it.
    error.__traceback__ = error.__cause__ = None
    error.__suppress_context__ = True


def _drop_framework(error: Exception) -> None:
    # Half of a traceback would be Contexts calling the spec: it helps nobody to find the mistake.
    trace = error.__traceback__
    while trace is not None and trace.tb_frame.f_globals.get("__name__") == contexts.core.__name__:
        trace = trace.tb_next
    error.__traceback__ = trace or error.__traceback__
