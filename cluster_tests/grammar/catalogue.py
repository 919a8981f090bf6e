"""What there is to run: every spec class with its ID, kind, case and tags.

Nothing of it is written down twice: the ID is the class's name, the kind follows from its
placements, the case is said by its docstring, and its file is a tag. A class may add ``tags``.
"""

from __future__ import annotations

import importlib.util
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cluster_tests.errors import UsageError
from cluster_tests.grammar.rules import spec_classes
from cluster_tests.model import NOWHERE, Kind, Placement, Switch, switches
from cluster_tests.nearest import suggestion

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence
    from types import ModuleType

_WORDS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_FILES = "*spec*.py"
_FAMILY = re.compile(r"_?specs?$")


@dataclass(frozen=True)
class Entry:
    """One spec class. ``switch`` is None where it is about something else."""

    id: str
    case: str
    file: str
    class_name: str
    tags: tuple[str, ...]
    switch: Switch | None = None

    @property
    def kind(self) -> Kind | None:
        """The kind of its switch."""
        return self.switch.kind if self.switch else None

    @property
    def names(self) -> frozenset[str]:
        """Everything by which it can be selected."""
        kinds = [self.kind.value] if self.kind else []
        return frozenset({self.id, self.class_name, *kinds, *self.tags})

    def as_json(self) -> dict[str, object]:
        """Write it as ``cluster-tests list --json`` does."""
        return {
            "id": self.id,
            "kind": self.kind,
            "case": self.case,
            "file": self.file,
            "class": self.class_name,
            "tags": list(self.tags),
        }


@dataclass(frozen=True)
class Coverage:
    """Which of the kinds, and of the concrete switches on the nodes that occur, have a class."""

    kinds: tuple[Kind, ...]
    missing: tuple[Kind, ...]
    switches: int
    possible: int

    def __str__(self) -> str:
        """Print on a line, with the kinds that are missing."""
        missing = f" (missing: {', '.join(self.missing)})" if self.missing else ""
        return (
            f"kinds covered: {len(self.kinds)} of {len(Kind)}{missing};"
            f" concrete switches: {self.switches} of {self.possible}"
        )


def entry_of(cls: type, file: str) -> Entry:
    """Describe a spec class."""
    switch = _switch_of(cls)
    said = (cls.__doc__ or "").strip().partition("\n")[0]
    words = _WORDS.sub("-", cls.__name__).lower()
    own: Iterable[str] = getattr(cls, "tags", ())
    return Entry(
        id=words.removeprefix("when-"),
        case=str(switch) if switch else said,
        file=file,
        class_name=cls.__name__,
        tags=tuple(dict.fromkeys((_FAMILY.sub("", Path(file).stem).replace("_", "-"), *own))),
        switch=switch,
    )


def read_catalogue(folder: Path) -> list[Entry]:
    """Describe every spec class below ``folder``, or of one file.

    Raises ``UsageError`` for a folder without specs, a file that cannot be imported, and two
    classes of one ID.
    """
    paths = [folder] if folder.is_file() else sorted(folder.rglob(_FILES))
    entries = [entry_of(cls, str(path)) for path in paths for cls in spec_classes(_load(path))]
    if not entries:
        raise UsageError(f"there is no spec in {folder}", remedy="name the folder of the specs")
    seen: dict[str, Entry] = {}
    for entry in entries:
        other = seen.setdefault(entry.id, entry)
        if other is not entry:
            raise UsageError(
                f"{entry.file} and {other.file} both have {entry.class_name}: one ID for two",
                remedy="rename one of the classes",
            )
    return entries


def coverage(entries: Iterable[Entry]) -> Coverage:
    """Tell what ``entries`` cover."""
    made = {entry.switch for entry in entries if entry.switch}
    kinds = {switch.kind for switch in made}
    places = [place for switch in made for place in (switch.before, switch.after)]
    nodes = {node for place in places for node in (place.master, place.slave) if node}
    return Coverage(
        kinds=tuple(kind for kind in Kind if kind in kinds),
        missing=tuple(kind for kind in Kind if kind not in kinds),
        switches=len(made),
        possible=len(list(switches(sorted(nodes)))),
    )


def is_selected(entry: Entry, only: Collection[str], but: Collection[str]) -> bool:
    """Tell whether one of ``only`` selects the entry (an empty one does), and none of ``but``."""
    return (not only or bool(entry.names & set(only))) and not entry.names & set(but)


def require_known(wanted: Iterable[str], entries: Sequence[Entry]) -> None:
    """Raise ``UsageError``, with the nearest match, unless all ``wanted`` select something."""
    known = {name for entry in entries for name in entry.names}
    for name in wanted:
        if name not in known:
            raise UsageError(
                f"no spec has the ID, kind, tag or class {name!r}",
                remedy=f"{suggestion(name, known)} `cluster-tests list` shows them all",
            )


def _switch_of(cls: type) -> Switch | None:
    before, after = getattr(cls, "before", None), getattr(cls, "after", None)
    if not (isinstance(before, Placement) and isinstance(after, Placement)):
        return None
    return None if before == after == NOWHERE else Switch(before, after)


def _load(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise UsageError(f"{path} cannot be imported")
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise UsageError(f"{path} cannot be imported: {error!r}") from error
    return module
