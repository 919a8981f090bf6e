"""How far the run is, while it runs: on a terminal in the live line, in a log a line a context.

It counts spec classes, as ``planned`` does: how many examples a class has is known only to the
class itself, which may ask the cluster.
"""

from __future__ import annotations

import sys
import time
from collections import Counter
from typing import TYPE_CHECKING

from contexts.plugin_interface import NO_EXAMPLE
from contexts.plugins.reporting import context_name

from cluster_tests.errors import ClusterTestsError
from cluster_tests.history.time_left import TimeLeft, in_words
from cluster_tests.live import HowFar, joined, live_line
from cluster_tests.plugin.foundation import is_foundation
from cluster_tests.plugin.interrupts import Interrupted
from cluster_tests.plugin.selection import entry_in
from cluster_tests.plugin.sharding import ShardingPlugin
from cluster_tests.plugin.verdict import VerdictPlugin, verdict_of
from cluster_tests.plugin.xml_errors import failed_steps
from cluster_tests.report import say
from cluster_tests.results.place import results_root
from cluster_tests.results.verdict import Verdict, in_sum

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Generator, Mapping
    from pathlib import Path
    from types import ModuleType

_PATIENCE = 0.2  # seconds to wait for whoever writes the history: no estimate is worth more


class HeadwayPlugin:
    """Counts what begins and what went wrong, and reckons what is left."""

    def __init__(self) -> None:
        """Nothing has begun yet."""
        self._root: Path
        self._dots = False
        self._on_a_terminal = False
        self._sharding: ShardingPlugin
        self._module: ModuleType
        self._time_left: TimeLeft
        self._begun = 0
        self._scenario = ""
        self._wrong: Counter[Verdict] = Counter()  # contexts by verdict, but for what passed
        self._wrong_before: Counter[Verdict] = Counter()  # without the one that runs
        self._verdicts: list[Verdict] = []  # of the one that runs
        self._half_line = False

    @classmethod
    def locate(cls) -> tuple[type, type]:
        """Come after what is planned, and before tracebacks are dropped, or output captured."""
        return ShardingPlugin, VerdictPlugin

    def initialise(self, args: argparse.Namespace, environ: Mapping[str, str]) -> bool:
        """Take part unless nothing is to be said."""
        self._root = results_root(environ)
        self._dots = args.verbosity == "normal"
        self._on_a_terminal = sys.stdout.isatty()
        return bool(args.verbosity != "quiet")

    def request_plugins(self) -> Generator[list[type], dict[type, object], None]:
        """Ask for the one who knows what is to run."""
        active = yield [ShardingPlugin]
        sharding = active[ShardingPlugin]
        assert isinstance(sharding, ShardingPlugin)  # noqa: S101 - it takes part in every run
        self._sharding = sharding

    def process_module_list(self, _modules: list[ModuleType]) -> None:
        """Reckon with what is planned by now, and lend the live line what it shows."""
        self._time_left = TimeLeft(self._sharding.planned, self._known())
        if self._on_a_terminal:
            live_line.tell(self._how_far, None if self._dots else sys.stdout)

    def test_run_ended(self) -> None:
        """Leave the live line to whoever comes."""
        live_line.forget()

    def suite_started(self, module: ModuleType) -> None:
        """Remember the file whose classes come."""
        self._module = module

    def test_class_started(self, cls: type) -> None:
        """Count a class; its examples may take long to be found."""
        self._begun += 1
        self._scenario = context_name(cls.__name__, NO_EXAMPLE)
        self._time_left.begin(entry_in(self._module, cls).id, time.monotonic())

    def context_started(self, cls: type, example: object) -> None:
        """Tell a log that a context begins, before its output is captured."""
        self._scenario = context_name(cls.__name__, example)
        if not self._on_a_terminal:
            self._write_down()

    def assertion_passed(self, _sentence: Callable[..., object]) -> None:
        """Note that a dot follows."""
        self._half_line = self._dots

    def assertion_failed(self, _sentence: Callable[..., object], error: Exception) -> None:
        """Count a sentence that did not hold."""
        self._went_wrong(error)

    def assertion_errored(self, _sentence: Callable[..., object], error: Exception) -> None:
        """Count an error inside a sentence."""
        self._went_wrong(error)

    def context_ended(self, _cls: type, _example: object) -> None:
        """Count what the context was."""
        self._count()

    def context_errored(self, _cls: type, _example: object, error: Exception) -> None:
        """Count the errors of a given, a because and a cleanup."""
        for _, raised in failed_steps(error):
            self._went_wrong(raised)
        self._count()

    def test_class_ended(self, _cls: type) -> None:  # noqa: PT019 - a hook
        """Learn how long it took. What the cluster stands on is asked much faster than the rest."""
        self._time_left.end(time.monotonic(), typical=not is_foundation(self._module))

    def test_class_errored(self, _cls: type, error: Exception) -> None:  # noqa: PT019 - a hook
        """Count a class of which no context could be made."""
        self._went_wrong(error)
        self._count()

    def _went_wrong(self, error: Exception) -> None:
        self._half_line = self._dots
        if not isinstance(error, Interrupted):
            self._verdicts.append(verdict_of(error).of_a_result)
            context = in_sum(self._verdicts, of_nothing=Verdict.PASS)
            self._wrong = self._wrong_before + Counter([context])

    def _count(self) -> None:
        self._wrong_before = self._wrong
        self._verdicts.clear()

    def _known(self) -> Mapping[str, float]:
        from cluster_tests.history.store import History  # noqa: PLC0415 - loads a database

        try:
            return History(self._root, patience=_PATIENCE).durations()
        except ClusterTestsError:
            return {}  # what is wrong with it is told when the run is added

    def _write_down(self) -> None:
        if self._half_line:
            say("\n", indent=0)
        self._half_line = False
        name = self._scenario if self._dots else ""  # with -v it is the next line
        say(f"{time.strftime('%H:%M:%S')}  {joined(self._counts(' of '), name)}")

    def _how_far(self) -> HowFar:
        return HowFar(self._counts("/"), self._scenario)

    def _counts(self, of: str) -> str:
        wrong = self._wrong
        failed, unjudged = wrong[Verdict.FAIL], wrong[Verdict.UNKNOWN]
        return joined(
            f"{self._begun}{of}{len(self._sharding.planned)}",
            f"{failed} failed" if failed else "",
            f"{unjudged} could not be judged" if unjudged else "",
            in_words(self._time_left.seconds(time.monotonic())),
        )
