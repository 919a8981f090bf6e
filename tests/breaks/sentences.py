"""The sentences that the specs say, found in their code."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING

from cluster_tests import behaviours
from cluster_tests.grammar.rules import Part, methods_of, spec_classes

if TYPE_CHECKING:
    from types import ModuleType

ROOT = Path(__file__).parents[2]


def sentences_by_spec() -> dict[str, frozenset[str]]:
    """Give the sentences of every spec class, by what ``run-contexts`` calls it."""
    return {
        f"{path.relative_to(ROOT)}:{cls.__name__}": _sentences(cls)
        for path in sorted((ROOT / "specs").glob("*spec*.py"))
        for cls in spec_classes(_load(path))
    }


def sentences_of_behaviours() -> frozenset[str]:
    """Give the sentences of every behaviour, whether a spec class has it or not."""
    shared = [getattr(behaviours, name) for name in behaviours.__all__]
    return frozenset().union(*(_sentences(each) for each in shared if isinstance(each, type)))


def _sentences(cls: type) -> frozenset[str]:
    return frozenset(each.name for each in methods_of(cls) if each.part is Part.SENTENCE)


def _load(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
