"""Specs that all others stand on: they run first, and where they fail the others are not judged.

A spec file says ``FOUNDATION = True``. On nodes that are not fit, whatever else fails tells nothing
about the cluster: so the run's verdict is then "infrastructure", which is no proof (exit code 2, as
for every error of harness or lab), also where ``--go-on`` lets the others run and fail.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cluster_tests.plugin.interrupts import Interrupted
from cluster_tests.plugin.xml_errors import XmlErrorsPlugin
from cluster_tests.report import say

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Mapping
    from types import ModuleType


def is_foundation(module: ModuleType) -> bool:
    """Tell whether a spec file's classes must hold for any other to be judged."""
    return bool(getattr(module, "FOUNDATION", False))


class FoundationPlugin:
    """Watches the foundation's results, and drops all other classes once one was not good."""

    def __init__(self) -> None:
        """Nothing has failed yet."""
        self.under_way = False
        self._failures = 0
        self._go_on = False
        self._dropped = 0

    @classmethod
    def locate(cls) -> tuple[None, type]:
        """Come before those that judge, who ask whether the foundation is ``under_way``."""
        return None, XmlErrorsPlugin

    def setup_parser(self, parser: argparse.ArgumentParser) -> None:
        """Add ``--go-on``."""
        parser.add_argument(
            "--go-on",
            action="store_true",
            help="run all specs even where those of the infrastructure fail",
        )

    def initialise(self, args: argparse.Namespace, _environ: Mapping[str, str]) -> bool:
        """Take part in every run: without a foundation among the specs nothing is dropped."""
        self._go_on = args.go_on
        return True

    def process_class_list(self, module: ModuleType, classes: list[type]) -> None:
        """Drop the classes of a file whose foundation failed; Contexts asks just before they run.

        The foundation's files come first (``OrderPlugin``), so all of them have run by then.
        """
        if self._failures and not self._go_on and not is_foundation(module):
            self._dropped += len(classes)
            classes.clear()

    def suite_started(self, module: ModuleType) -> None:
        """From here on it is known whether what fails is the foundation."""
        self.under_way = is_foundation(module)

    def suite_ended(self, _module: ModuleType) -> None:
        """Forget the file: what fails from here on belongs to none."""
        self.under_way = False

    def assertion_failed(self, _sentence: Callable[..., object], error: Exception) -> None:
        """Count a sentence that did not hold."""
        self._count(error)

    def assertion_errored(self, _sentence: Callable[..., object], error: Exception) -> None:
        """Count an error inside a sentence."""
        self._count(error)

    def context_errored(self, _cls: type, _example: object, error: Exception) -> None:
        """Count an error of a given, a because or a cleanup."""
        self._count(error)

    def test_class_errored(self, _cls: type, error: Exception) -> None:  # noqa: PT019 - a hook
        """Count an error of a class's examples: a cluster that cannot be reached, for one."""
        self._count(error)

    def test_run_ended(self) -> None:
        """Say what was not judged, and why."""
        if self._failures:
            fate = "were not judged; --go-on runs them" if self._dropped else "are no proof"
            dropped = f"{self._dropped} " if self._dropped else ""
            say(
                f"infrastructure: {self._failures} failed: the {dropped}other spec classes {fate}",
                indent=0,
            )

    def _count(self, error: Exception) -> None:
        if self.under_way and not isinstance(error, Interrupted):
            self._failures += 1
