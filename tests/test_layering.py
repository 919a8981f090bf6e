"""Imports point down only, as docs/design.md draws it. Read from the sources: nothing is run."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[1]

# The floors from the top down, and the rooms on each: a room is a set of modules (or packages)
# that may import each other. A module of a lower floor may be imported, one of the same floor not.
FLOORS: list[dict[str, set[str]]] = [
    {
        "cli": {
            "cluster_tests.cli",
            "cluster_tests.cleaning",
            "cluster_tests.listing",
            "cluster_tests.shell",
        }
    },
    {
        "givens": {"cluster_tests.givens", "cluster_tests.behaviours"},
        "tour": {"cluster_tests.tour"},
        "nightly": {"cluster_tests.nightly"},
        "bench": {"cluster_tests.bench"},
        "doctor": {"cluster_tests.doctor"},
        "forwards": {"cluster_tests.forwards"},
    },
    {"plugin": {"cluster_tests.plugin"}},
    {"tenancy": {"cluster_tests.tenancy"}},
    {
        "evidence": {"cluster_tests.evidence"},
        "foundation": {"cluster_tests.foundation"},
    },
    {"session": {"cluster_tests.session"}},
    {"reporting": {"cluster_tests.reporting"}},
    {
        "grammar": {"cluster_tests.grammar"},
        "report": {"cluster_tests.report", "cluster_tests.live"},
        "lab": {"cluster_tests.lab"},
    },
    {
        "witness": {"cluster_tests.witness"},
        "timeline": {"cluster_tests.timeline"},
    },
    {
        "history": {"cluster_tests.history"},
        "cluster": {"cluster_tests.cluster"},
        "journal": {"cluster_tests.journal"},
        "services": {"cluster_tests.services"},
    },
    {"expectation": {"cluster_tests.expectation"}},
    {
        "nodes": {"cluster_tests.nodes"},
        "consul": {"cluster_tests.consul"},
        "proxies": {"cluster_tests.proxies"},
        "fronts": {"cluster_tests.fronts"},
        "definition": {"cluster_tests.definition"},
    },
    {
        "inventory": {"cluster_tests.inventory"},
        "waiting": {"cluster_tests.waiting"},
        "results": {"cluster_tests.results"},
    },
    {
        "model": {"cluster_tests.model"},
        "effort": {"cluster_tests.effort"},
        "way": {"cluster_tests.way"},
        "nearest": {"cluster_tests.nearest"},
    },
    {"errors": {"cluster_tests.errors"}},
    {"version": {"cluster_tests"}},
    {"tunnels": {"tunnels"}},
]
OURS = ("cluster_tests", "tunnels", "fixtures", "specs", "tests")
SPECS_MAY_IMPORT = (
    "cluster_tests.givens",
    "cluster_tests.behaviours",
    "cluster_tests.model",
)


def modules_below(folder: str) -> list[Path]:
    return sorted(path for path in (ROOT / folder).rglob("*.py"))


def name_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports_of(path: Path) -> Iterator[str]:
    """Yield every module of ours that a file imports, wherever in the file it does."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative imports hide where they lead"
            names = [_imported(str(node.module), alias.name) for alias in node.names]
        else:
            continue
        yield from (name for name in names if name.split(".")[0] in OURS)


def _imported(module: str, name: str) -> str:
    """`from package import module` imports the module, not only the package."""
    path = ROOT.joinpath(*module.split("."), name)
    return f"{module}.{name}" if path.is_dir() or path.with_suffix(".py").exists() else module


def place_of(name: str) -> tuple[int, str] | None:
    """Return floor (0 on top) and room of a module: by its own name or its package's."""
    while name:
        for floor, rooms in enumerate(FLOORS):
            for room, modules in rooms.items():
                # the package's own file is a module like any other, not the home of all the rest
                if name in modules:
                    return floor, room
        name = name.rpartition(".")[0]
        if name == "cluster_tests":
            return None
    return None


HOUSE = modules_below("cluster_tests") + modules_below("tunnels")


def test_the_house_is_there() -> None:
    assert len(HOUSE) > 30


@pytest.mark.parametrize("path", HOUSE, ids=name_of)
def test_every_module_has_a_room(path: Path) -> None:
    assert place_of(name_of(path)), f"{name_of(path)} is in no room: draw it in docs/design.md"


def test_every_room_on_the_map_exists() -> None:
    names = {name_of(path) for path in HOUSE}
    for rooms in FLOORS:
        for modules in rooms.values():
            assert modules <= names


@pytest.mark.parametrize("path", HOUSE, ids=name_of)
def test_imports_point_down(path: Path) -> None:
    floor, room = place_of(name_of(path)) or (0, "")
    for name in imports_of(path):
        place = place_of(name)
        assert place is not None, f"{name_of(path)} imports {name}, which is in no room"
        assert place[0] > floor or place == (floor, room), (
            f"{name_of(path)} ({room}) may not import {name} ({place[1]})"
        )


@pytest.mark.parametrize("path", modules_below("tunnels"), ids=name_of)
def test_tunnels_know_nothing_of_clusters(path: Path) -> None:
    assert {name.split(".")[0] for name in imports_of(path)} <= {"tunnels"}


def test_fixtures_share_no_mistake_with_the_suite() -> None:
    files = modules_below("fixtures")
    assert files
    for path in files:
        assert {name.split(".")[0] for name in imports_of(path)} <= {"fixtures"}, path


def test_specs_are_written_with_givens_behaviours_and_values_alone() -> None:
    files = modules_below("specs")
    assert files
    for path in files:
        imported = set(imports_of(path))
        assert imported
        assert all(name.startswith(SPECS_MAY_IMPORT) for name in imported), (path, imported)
