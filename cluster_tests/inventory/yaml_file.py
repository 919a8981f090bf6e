"""Reads a YAML file and remembers on which line each key stands.

PyYAML alone keeps no places, and lets a repeated key silently win over the first one; in a file
that says which hosts may be changed, neither is good enough.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

Place = tuple[str | int, ...]


@dataclass(frozen=True)
class YamlFile:
    """The values of a file, the line of each place in it, and the keys it repeats."""

    path: Path
    values: Any
    lines: dict[Place, int] = field(default_factory=dict)
    repeated: tuple[tuple[Place, int], ...] = ()


def read_yaml(path: Path) -> YamlFile:
    """Read ``path``; raise ``OSError``, ``UnicodeError`` or ``yaml.YAMLError``."""
    text = path.read_text(encoding="utf-8")
    lines: dict[Place, int] = {}
    repeated: list[tuple[Place, int]] = []
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    for place, line in _places(root, ()):
        if place in lines:
            repeated.append((place, line))
        lines.setdefault(place, line)
    return YamlFile(path, yaml.safe_load(text), lines, tuple(repeated))


def _places(node: yaml.Node | None, place: Place) -> Iterator[tuple[Place, int]]:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            inner = (*place, str(key.value))
            yield inner, key.start_mark.line + 1
            yield from _places(value, inner)
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            inner = (*place, index)
            yield inner, value.start_mark.line + 1
            yield from _places(value, inner)
