"""What the pages show is what there is: commands that exist, files that load, links that lead."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import typer.main
import yaml

from cluster_tests.cli import app
from cluster_tests.inventory.file import load_inventory

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
_COMMAND = re.compile(r"cluster-tests (?P<words>[a-z][a-z-]*(?: [a-z][a-z-]*)?)")
_LINK = re.compile(r"\]\((?!https?:)([^)#]+)\)")
_OPTION = re.compile(r"(?<![\w-])--[a-z][a-z-]*")


def blocks(kind: str) -> Iterator[tuple[str, str]]:
    for page in PAGES:
        for found, text in _BLOCK.findall(page.read_text(encoding="utf-8")):
            if found == kind:
                yield page.name, text


def shell_lines() -> list[str]:
    lines = [line for _, text in blocks("sh") for line in text.splitlines()]
    return [line.partition("  #")[0].strip() for line in lines if line.startswith("cluster-tests ")]


def command_of(line: str) -> Any:  # noqa: ANN401 - click is vendored in typer, untyped
    """Find the command that a line calls, down to the last group."""
    command: Any = typer.main.get_command(app)
    for word in line.split()[1:]:
        if not hasattr(command, "commands") or word.startswith("-"):
            break
        assert word in command.commands, f"{line}: there is no {word}"
        command = command.commands[word]
    return command


def test_there_is_something_to_look_at() -> None:
    assert len(PAGES) > 5
    assert len(shell_lines()) > 15


@pytest.mark.parametrize("line", shell_lines())
def test_a_command_that_is_shown_exists_with_its_options(line: str) -> None:
    command = command_of(line)
    known = {name for each in command.params for name in (*each.opts, *each.secondary_opts)}
    own = line.partition(" --exec ")[0]
    assert set(_OPTION.findall(own)) <= known | {"--help"}


@pytest.mark.parametrize(("page", "text"), list(blocks("yaml")))
def test_yaml_that_is_shown_is_yaml(page: str, text: str) -> None:
    assert yaml.safe_load(text) is not None, page


def test_the_inventory_of_the_readme_loads(tmp_path: Path) -> None:
    [text] = [text for page, text in blocks("yaml") if page == "README.md" and "may_change" in text]
    values = yaml.safe_load(text)
    values["nodes"]["core2"] = {**values["nodes"]["core1"], "address": "10.1.0.12"}  # "…" there
    for node in values["nodes"].values():
        for name in ("identity_file", "known_hosts"):
            node["ssh"][name] = name
            (tmp_path / name).touch(mode=0o600)
    path = tmp_path / "cluster.yaml"
    path.write_text(yaml.safe_dump(values))
    inventory = load_inventory(path)
    assert inventory.name == "staging"
    assert inventory.may_change


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target in _LINK.findall(page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), f"{page.name}: {target}"
