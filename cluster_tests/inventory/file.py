"""Loads an inventory: defaults first, then every problem of the file in one error."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import yaml
from pydantic import BaseModel, ValidationError

from cluster_tests.errors import InventoryError
from cluster_tests.inventory.entries import Inventory, repeated_addresses
from cluster_tests.inventory.ssh_access import missing_ways_in
from cluster_tests.inventory.yaml_file import Place, YamlFile, read_yaml

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_REMEDY = "see docs/design.md for an inventory's shape, or let 'cluster-tests lab up' write one"


def load_inventory(path: Path) -> Inventory:
    """Load the inventory in ``path``.

    Raises ``InventoryError``: the file is missing, is not YAML (with the line), or has problems,
    all of which are listed with their places.
    """
    path = Path(path).absolute()
    file = _read(path)
    problems = [(place, f"given again on line {line}") for place, line in file.repeated]
    if not isinstance(file.values, dict):
        raise InventoryError(f"{path}: expected a mapping of sections", remedy=_REMEDY)
    problems += [
        (("nodes", node, "address"), f"{address} is the address of {earlier} already")
        for node, earlier, address in repeated_addresses(file.values.get("nodes"))
    ]
    problems += [
        (("nodes", node, "ssh", key), "missing; only with 'config' it may be left out")
        for node, key in missing_ways_in(file.values.get("nodes"))
    ]
    try:
        inventory = Inventory.model_validate(file.values, context={"directory": path.parent})
    except ValidationError as error:
        problems += _refusals(error)
    if problems:
        raise InventoryError(_report(file, problems), remedy=_REMEDY)
    return inventory


def _read(path: Path) -> YamlFile:
    try:
        return read_yaml(path)
    except FileNotFoundError as error:
        raise InventoryError(f"there is no inventory {path}", remedy=_REMEDY) from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f", line {mark.line + 1}" if mark else ""
        problem = getattr(error, "problem", None) or error
        raise InventoryError(f"{path}{place}: not YAML: {problem}", remedy=_REMEDY) from error
    except (OSError, UnicodeError) as error:
        raise InventoryError(
            f"{path} cannot be read: {error}",
            remedy="give this user the right to read it, as UTF-8",
        ) from error


def _report(file: YamlFile, problems: list[tuple[Place, str]]) -> str:
    lines = sorted(
        (file.lines.get(place, _line_above(file, place)), _dotted(place), message)
        for place, message in problems
    )
    listed = "".join(f"\n  line {line}: {place}: {message}" for line, place, message in lines)
    count = f"{len(lines)} problem{'s' if len(lines) > 1 else ''}"
    return f"{file.path}: {count}{listed}"


def _line_above(file: YamlFile, place: Place) -> int:
    """Tell the line of the nearest key that exists: what is missing has no line of its own."""
    while place and place not in file.lines:
        place = place[:-1]
    return file.lines.get(place, 1)


def _dotted(place: Place) -> str:
    return ".".join(str(part) for part in place) or "(the file)"


def _refusals(error: ValidationError) -> Iterator[tuple[Place, str]]:
    for item in error.errors():
        place = tuple(part for part in item["loc"] if part != "[key]")
        if item["type"] == "extra_forbidden":
            yield place, "unknown key" + _nearest(place)
        elif item["type"] == "missing":
            yield place, "missing"
        else:
            yield place, _message(item)


def _message(item: Mapping[str, Any]) -> str:
    message: str = item["msg"].removeprefix("Value error, ")
    return message[0].lower() + message[1:]


def _nearest(place: Place) -> str:
    """Suggest the key that was probably meant, or list those that exist."""
    section = _section(Inventory, place[:-1])
    close = difflib.get_close_matches(str(place[-1]), section.model_fields, n=1)
    known = ", ".join(section.model_fields)
    return f"; did you mean {close[0]!r}?" if close else f"; known here: {known}"


def _section(section: type[BaseModel], place: Place) -> type[BaseModel]:
    """Follow ``place`` through the sections; below ``nodes`` stands a name, which is no field."""
    parts = place[:1] + place[2:] if place[:1] == ("nodes",) else place
    for part in parts:
        section = next(_models(section.model_fields[str(part)].annotation))
    return section


def _models(annotation: Any) -> Iterator[type[BaseModel]]:  # noqa: ANN401 - a type expression
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from _models(argument)
