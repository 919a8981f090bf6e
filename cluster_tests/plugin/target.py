"""What to run: a folder, a file, or one class of a file, with a helpful word if it is not there."""

from __future__ import annotations

import ast
import os
from pathlib import Path
from typing import TYPE_CHECKING

from contexts.plugins.identification import class_re
from contexts.plugins.test_target_suppliers import CommandLineSupplier

from cluster_tests.errors import UsageError
from cluster_tests.nearest import suggestion
from cluster_tests.plugin.options import refuse

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping
    from types import ModuleType

_DEFAULT = Path("specs")


class TargetPlugin:
    """Checks the path before Contexts trips over it, and selects one class when one is named.

    Contexts imports ``FILE:CLASS`` past its own importers: no assertion is rewritten and no list
    of modules or classes is processed. Here the file is run, and all classes but one are dropped.
    """

    def __init__(self) -> None:
        """Select everything until told otherwise."""
        self._class_name = ""

    @classmethod
    def locate(cls) -> tuple[None, type]:
        """Come before the plugin that would raise on a missing path."""
        return None, CommandLineSupplier

    def initialise(self, args: argparse.Namespace, _environ: Mapping[str, str]) -> bool:
        """Replace ``args.path`` by what is to be imported; end the process if it is not there."""
        try:
            path, self._class_name = find_target(_given_or_default(args.path))
        except UsageError as error:
            refuse(error)
        args.path = str(path)
        return True

    def keeps(self, cls: type) -> bool:
        """Tell whether a class was asked for."""
        return not self._class_name or cls.__name__ == self._class_name

    def process_class_list(self, _module: ModuleType, classes: list[type]) -> None:
        """Keep the one class that was asked for."""
        classes[:] = filter(self.keeps, classes)


def find_target(text: str) -> tuple[Path, str]:
    """Split ``FOLDER``, ``FILE`` or ``FILE:CLASS``; raise ``UsageError`` with the nearest match."""
    name, _, class_name = text.partition(":")
    path = Path(name)
    if not path.exists():
        raise UsageError(f"there is no {path}", remedy=_nearest_path(path))
    if path.is_file() and path.suffix != ".py":
        raise UsageError(f"{path} is no Python file", remedy="name a spec file or a folder")
    if class_name:
        _require_class(path, class_name)
    return path, class_name


def _given_or_default(text: str) -> str:
    # Contexts' default is the current folder, where tests/ (pytest's) would match as well.
    return str(_DEFAULT) if text == str(Path.cwd()) and _DEFAULT.is_dir() else text


def _require_class(path: Path, class_name: str) -> None:
    if not path.is_file():
        raise UsageError(f"{path} is a folder", remedy=f"name a file: {path}/FILE.py:{class_name}")
    names = [name for name in _class_names(path) if class_re.search(name)]
    if class_name not in names:
        raise UsageError(
            f"{path} has no spec class {class_name}",
            remedy=suggestion(class_name, names, prefix=f"{path}:"),
        )


def _class_names(path: Path) -> list[str]:
    try:
        tree = ast.parse(path.read_text(encoding="utf-8"), str(path))
    except SyntaxError as error:
        raise UsageError(f"{path}:{error.lineno}: {error.msg}") from error
    return [node.name for node in tree.body if isinstance(node, ast.ClassDef)]


def _nearest_path(path: Path) -> str:
    folder = path.parent
    while not folder.is_dir():
        folder = folder.parent
    entries = [entry.name for entry in folder.iterdir() if not entry.name.startswith((".", "_"))]
    prefix = "" if folder == Path() else f"{folder}{os.sep}"
    return suggestion(path.relative_to(folder).parts[0], entries, prefix=prefix)
