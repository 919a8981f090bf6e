"""``--shard I/N``: one of N parts of what is selected, for machines that work side by side.

Specs of the infrastructure run in every shard: each machine has its own cluster to stand on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cluster_tests.errors import UsageError
from cluster_tests.grammar.rules import spec_classes
from cluster_tests.grammar.shards import parse_shard, split
from cluster_tests.plugin.foundation import is_foundation
from cluster_tests.plugin.options import refuse
from cluster_tests.plugin.selection import SelectionPlugin, entry_in
from cluster_tests.plugin.target import TargetPlugin
from cluster_tests.plugin.xml_errors import XmlErrorsPlugin
from cluster_tests.report import say
from cluster_tests.results.place import results_root

if TYPE_CHECKING:
    import argparse
    from collections.abc import Generator, Iterable, Mapping
    from pathlib import Path
    from types import ModuleType

    from cluster_tests.grammar.catalogue import Entry
    from cluster_tests.grammar.shards import Shard, Split


class ShardingPlugin:
    """Keeps one shard's classes; knows also, for the record, what is to run in all."""

    def __init__(self) -> None:
        """Run everything until told otherwise."""
        self.shard: Shard | None = None
        self.fingerprint: str | None = None
        self.planned: tuple[str, ...] = ()
        self._mine: frozenset[str] = frozenset()
        self._root: Path
        self._target: TargetPlugin
        self._selection: SelectionPlugin | None = None

    @classmethod
    def locate(cls) -> tuple[type, type]:
        """Come after the selection, which refuses names that select nothing."""
        return SelectionPlugin, XmlErrorsPlugin

    def setup_parser(self, parser: argparse.ArgumentParser) -> None:
        """Add ``--shard``."""
        parser.add_argument(
            "--shard",
            metavar="I/N",
            help="run the I-th of N parts of what is selected, about equally long by what the"
            " history knows; `cluster-tests merge` joins the results",
        )

    def initialise(self, args: argparse.Namespace, environ: Mapping[str, str]) -> bool:
        """Read the option, or end the process with what is wrong about it."""
        self._root = results_root(environ)
        if args.shard:
            try:
                self.shard = parse_shard(args.shard)
            except UsageError as error:
                refuse(error)
        return True

    def request_plugins(self) -> Generator[list[type], dict[type, object], None]:
        """Ask for those who select too: what they drop is in no shard."""
        active = yield [TargetPlugin, SelectionPlugin]
        target, selection = active[TargetPlugin], active.get(SelectionPlugin)
        assert isinstance(target, TargetPlugin)  # noqa: S101 - it takes part in every run
        assert selection is None or isinstance(selection, SelectionPlugin)  # noqa: S101 - for mypy
        self._target, self._selection = target, selection

    def process_module_list(self, modules: list[ModuleType]) -> None:
        """Split what is selected; refuse a shard in which there would be nothing."""
        founding = set(self._selected(filter(is_foundation, modules)))
        selected = set(self._selected(modules))
        if self.shard is None:
            self.planned = tuple(sorted(selected))
            return
        whole = self._split(selected - founding, self.shard)
        self._mine = whole.shards[self.shard.number - 1] | founding
        self.planned, self.fingerprint = tuple(sorted(self._mine)), whole.fingerprint

    def process_class_list(self, module: ModuleType, classes: list[type]) -> None:
        """Keep what is in this shard."""
        if self.shard is not None:
            classes[:] = [cls for cls in classes if entry_in(module, cls).id in self._mine]

    def _split(self, ids: set[str], shard: Shard) -> Split:
        from cluster_tests.history.store import History  # noqa: PLC0415 - loads a database

        whole = split(ids, shard.count, History(self._root).durations())
        mine = whole.shards[shard.number - 1]
        if not mine:
            raise UsageError(
                f"shard {shard} is empty: {len(ids)} spec classes are selected",
                remedy="ask for fewer shards",
            )
        about = f", about {whole.seconds[shard.number - 1]:.0f} s" if whole.seconds else ""
        say(f"shard {shard}: {len(mine)} of {len(ids)} spec classes{about}"
            f" (split {whole.fingerprint})", indent=0)  # fmt: skip
        return whole

    def _selected(self, modules: Iterable[ModuleType]) -> Iterable[str]:
        for module in modules:
            for cls in filter(self._target.keeps, spec_classes(module)):
                if self._keeps(entry_in(module, cls)):
                    yield entry_in(module, cls).id

    def _keeps(self, entry: Entry) -> bool:
        return self._selection is None or self._selection.keeps(entry)
