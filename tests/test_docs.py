"""What the pages show is what there is: commands that exist, files that load, links that lead."""

from __future__ import annotations

import re
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import typer.main
import yaml

from cluster_tests.cli import app
from cluster_tests.inventory.file import load_inventory
from cluster_tests.nightly.steps import Night
from cluster_tests.reporting.concluding import conclude
from cluster_tests.results.place import results_root, run_id
from cluster_tests.results.values import RunRecord
from cluster_tests.results.writer import RunWriter

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
_COMMAND = re.compile(r"cluster-tests (?P<words>[a-z][a-z-]*(?: [a-z][a-z-]*)?)")
_LINK = re.compile(r"\]\((?!https?:)([^)#]+)\)")
_WAY = re.compile(r"^(?:sudo )?(?:\S*/bin/)?")
_OPTION = re.compile(r"(?<![\w-])--[a-z][a-z-]*")


def blocks(kind: str) -> Iterator[tuple[str, str]]:
    for page in PAGES:
        for found, text in _BLOCK.findall(page.read_text(encoding="utf-8")):
            if found == kind:
                yield page.name, text


def shell_lines() -> list[str]:
    lines = [line for _, text in blocks("sh") for line in text.splitlines()]
    lines = [line.partition("  #")[0].strip() for line in lines]
    lines = [line for line in lines if line.startswith("cluster-tests ")]
    return lines + [line for line in unattended_lines() if line.startswith("cluster-tests ")]


def unattended_lines() -> list[str]:
    """What CI and systemd run by docs/nightly.md, a command a line, without the way to it."""
    found = [
        script
        for page, text in blocks("yaml")
        if page == "nightly.md"
        for job in scripts_of(yaml.safe_load(text))
        for script in job.split(" && ")
    ]
    units = [text for page, text in blocks("ini") if page == "nightly.md"]
    found += re.findall(r"^ExecStart=(.*)$", "\n".join(units), re.MULTILINE)
    return [_WAY.sub("", line) for line in found]


def scripts_of(value: Any) -> Iterator[str]:  # noqa: ANN401 - YAML's types
    """Yield what is below the keys by which GitHub and GitLab name commands."""
    if isinstance(value, list):
        for each in value:
            yield from scripts_of(each)
    elif isinstance(value, dict):
        for key, below in value.items():
            if key in {"run", "script", "after_script"}:
                yield from [below] if isinstance(below, str) else below
            else:
                yield from scripts_of(below)


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


def test_the_nights_commands_are_found() -> None:
    programs = Counter(line.split()[0] for line in unattended_lines())
    assert programs["cluster-tests"] == 3
    assert programs["run-contexts"] == programs["make"] == 1
    assert programs["pip"] == 4


@pytest.mark.parametrize("line", [each for each in unattended_lines() if "run-contexts" in each])
def test_a_run_that_is_shown_has_options_that_there_are(line: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "contexts", "--help"], capture_output=True, text=True, check=True
    )
    assert set(_OPTION.findall(line)) <= set(_OPTION.findall(done.stdout))
    assert {"--shard"} <= set(_OPTION.findall(line))


def test_what_the_nights_commands_name_is_there() -> None:
    targets = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    made = [line.split()[1] for line in unattended_lines() if line.startswith("make ")]
    assert made
    assert set(made) <= set(targets)
    required = re.findall(r"-r (\S+)", "\n".join(unattended_lines()))
    assert required
    assert all((ROOT / name).is_file() for name in required)


@pytest.mark.parametrize(
    ("heading", "schema"),
    [("## GitHub Actions", "vendor.github-workflows"), ("## GitLab CI", "vendor.gitlab-ci")],
)
def test_a_ci_system_takes_the_example_for_it(tmp_path: Path, heading: str, schema: str) -> None:
    _, _, section = (ROOT / "docs/nightly.md").read_text(encoding="utf-8").partition(heading)
    kind, example = _BLOCK.findall(section)[0]
    path = tmp_path / f"example.{kind}"
    path.write_text(example, encoding="utf-8")
    check = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema, str(path)]
    checked = subprocess.run(check, check=False, capture_output=True, text=True)
    assert checked.returncode == 0, checked.stdout


def test_the_nights_results_are_where_the_examples_look_for_them(tmp_path: Path) -> None:
    [job] = [
        yaml.safe_load(text)["nightly"]
        for page, text in blocks("yaml")
        if page == "nightly.md" and "CLUSTER_TESTS_RUN_ID" in text
    ]
    environ = job["variables"]
    into = Night(results_root({}), run_id(environ)).directory
    assert job["artifacts"]["reports"] == {"junit": f"{into}/junit.xml"}
    assert job["after_script"] == [f"cat {into}/summary.md"]
    RunWriter(tmp_path / "r").run(a_run := RunRecord("r", ("x",), "2026-11-21T12:00:00+00:00"))
    conclude(tmp_path / a_run.run_id)
    assert {"junit.xml", "summary.md"} <= {path.name for path in (tmp_path / "r").iterdir()}


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
