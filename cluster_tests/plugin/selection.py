"""Which classes to run: those that ``--only`` names, less those that ``--except`` names."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from cluster_tests.errors import UsageError
from cluster_tests.grammar.catalogue import entry_of, is_selected, require_known
from cluster_tests.grammar.rules import spec_classes
from cluster_tests.plugin.xml_errors import XmlErrorsPlugin

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping
    from types import ModuleType

    from cluster_tests.grammar.catalogue import Entry


class SelectionPlugin:
    """Selects by ID, kind, tag or class (cluster_tests.grammar.catalogue); both options add up."""

    def __init__(self) -> None:
        """Select everything until told otherwise."""
        self._only: list[str] = []
        self._but: list[str] = []

    @classmethod
    def locate(cls) -> tuple[None, type]:
        """Come before anything is run or written down."""
        return None, XmlErrorsPlugin

    def setup_parser(self, parser: argparse.ArgumentParser) -> None:
        """Add the two options."""
        what = "an ID, a kind, a tag or a class of `cluster-tests list`; may be repeated"
        parser.add_argument("--only", action="append", default=[], metavar="NAME",
                            help=f"run what this names alone: {what}")  # fmt: skip
        parser.add_argument("--except", action="append", default=[], metavar="NAME", dest="but",
                            help="do not run what this names; may be repeated")  # fmt: skip

    def initialise(self, args: argparse.Namespace, _environ: Mapping[str, str]) -> bool:
        """Take part when something was named."""
        self._only, self._but = args.only, args.but
        return bool(self._only or self._but)

    def process_module_list(self, modules: list[ModuleType]) -> None:
        """Refuse names that select nothing, and a selection in which nothing is left."""
        entries = [entry_in(module, cls) for module in modules for cls in spec_classes(module)]
        require_known([*self._only, *self._but], entries)
        if not any(map(self.keeps, entries)):
            raise UsageError(
                "nothing is selected: nothing would be proved",
                remedy="leave out --except, or name more with --only",
            )

    def keeps(self, entry: Entry) -> bool:
        """Tell whether a class is selected."""
        return is_selected(entry, self._only, self._but)

    def process_class_list(self, module: ModuleType, classes: list[type]) -> None:
        """Keep what is selected."""
        classes[:] = [cls for cls in classes if self.keeps(entry_in(module, cls))]


def entry_in(module: ModuleType, cls: type) -> Entry:
    """Describe a class of a module that Contexts imported."""
    return entry_of(cls, Path(module.__file__ or module.__name__).name)
