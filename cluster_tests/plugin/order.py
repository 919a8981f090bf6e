"""The order of modules, classes and sentences: made from a seed, so that it can be repeated."""

from __future__ import annotations

import hashlib
import random
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from contexts.plugins.shuffling import Shuffler

from cluster_tests import __version__
from cluster_tests.plugin.foundation import is_foundation
from cluster_tests.report import say

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping, Sequence
    from types import FunctionType, ModuleType

_SEEDS = 1_000_000  # short enough to be typed


class OrderPlugin:
    """Sorts by a hash of seed and name.

    So the place of an item depends on nothing but the seed and its own name: one class run alone
    keeps the order its sentences had in the whole run.
    """

    def __init__(self) -> None:
        """Choose a seed; ``initialise`` may replace it."""
        self._seed = random.SystemRandom().randrange(_SEEDS)
        self._shuffle = True
        self._quiet = False

    @classmethod
    def locate(cls) -> tuple[None, type]:
        """Come before the shuffler, to be initialised before it."""
        return None, Shuffler

    def setup_parser(self, parser: argparse.ArgumentParser) -> None:
        """Add ``--seed``."""
        parser.add_argument(
            "--seed", type=int, metavar="N", help="repeat the order of the run that printed this"
        )

    def initialise(self, args: argparse.Namespace, _environ: Mapping[str, str]) -> bool:
        """Take the shuffler's place: it knows no seed."""
        self._shuffle, args.shuffle = args.shuffle, False
        self._quiet = args.verbosity == "quiet"
        if args.seed is not None:
            self._seed = args.seed
        return True

    def test_run_started(self) -> None:
        """Print the seed, and the command that repeats this run."""
        if self._quiet:
            return
        order = f"order from seed {self._seed}" if self._shuffle else "order by name"
        again = repeat_command(sys.argv, self.seed)
        say(f"cluster-tests {__version__}: {order}; to repeat it: {again}", indent=0)

    def process_module_list(self, modules: list[ModuleType]) -> None:
        """Sort the modules: by seed, or by name instead of as the file system lists them.

        What all others stand on comes first in any case.
        """
        if self._shuffle:
            modules.sort(key=lambda module: self._place(module.__name__))
        else:
            modules.sort(key=lambda module: module.__name__)
        modules.sort(key=is_foundation, reverse=True)  # stable: the rest keeps its order

    def process_class_list(self, module: ModuleType, classes: list[type]) -> None:
        """Sort the classes of one module."""
        if self._shuffle:
            classes.sort(key=lambda cls: self._place(f"{module.__name__}.{cls.__name__}"))

    def process_assertion_list(self, cls: type, functions: list[FunctionType]) -> None:
        """Sort the sentences of one class."""
        if self._shuffle:
            functions.sort(key=lambda sentence: self._place(f"{cls.__name__}.{sentence.__name__}"))

    @property
    def seed(self) -> int | None:
        """What the order is made from; None where it is made from the names."""
        return self._seed if self._shuffle else None

    def alone(self, target: str, options: Sequence[str] = ()) -> str:
        """Write the command that runs ``target`` alone, in the order it has in this run."""
        order = [] if self._shuffle else ["--no-random"]
        return repeat_command(["run-contexts", target, "-v", "-s", *options, *order], self.seed)

    def _place(self, name: str) -> bytes:
        return hashlib.sha256(f"{self._seed} {name}".encode()).digest()


def repeat_command(argv: Sequence[str], seed: int | None) -> str:
    """Write the command line ``argv`` so that it gives the same order again."""
    words = [Path(argv[0]).name, *argv[1:]]
    for index in reversed(range(len(words))):
        if words[index] == "--seed":
            del words[index : index + 2]
        elif words[index].startswith("--seed="):
            del words[index]
    return shlex.join([*words, *([] if seed is None else ["--seed", str(seed)])])
