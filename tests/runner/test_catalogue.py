"""What there is to run: described without being run, and selected by name."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from cluster_tests.cli import app
from cluster_tests.errors import UsageError
from cluster_tests.grammar.catalogue import coverage, entry_of, read_catalogue, require_known
from cluster_tests.model import NOWHERE, Kind, Placement
from cluster_tests.nearest import suggestion

if TYPE_CHECKING:
    from spec_folder import SpecFolder

pytest_plugins = ["spec_folder"]

SPECS = Path(__file__).parents[2] / "specs"
ONE = '''
class WhenAThingHappens:
    """a thing: it happens"""
    tags = ("slow",)
    def because(self): self.x = 1
    def should_happen(self): assert self.x
'''
TWO = ONE.replace("AThing", "NothingMuch").replace("slow", "quick")


class WhenAPairIsSwapped:
    """swap: a/b => b/a"""

    before = Placement("a", "b")
    after = Placement("b", "a")
    tags = ("mine", "swapping")


class WhenNobodyMoves:
    """Somebody is refused.

    And more.
    """

    before = after = NOWHERE


def test_a_class_describes_itself() -> None:
    assert entry_of(WhenAPairIsSwapped, "specs/swapping_specs.py").as_json() == {
        "id": "a-pair-is-swapped",
        "kind": Kind.SWAP,
        "case": "a/b => b/a",
        "file": "specs/swapping_specs.py",
        "class": "WhenAPairIsSwapped",
        "tags": ["swapping", "mine"],
    }


def test_what_is_no_switch_says_its_case_itself() -> None:
    entry = entry_of(WhenNobodyMoves, "specs/refusal_specs.py")
    assert entry.as_json()["kind"] is None
    assert entry.case == "Somebody is refused."


def test_the_projects_own_specs_cover_all_kinds() -> None:
    covered = coverage(read_catalogue(SPECS))
    assert covered.missing == ()
    assert covered.possible == 288
    assert "kinds covered: 19 of 19" in str(covered)


def test_what_is_missing_is_named() -> None:
    entry = entry_of(WhenAPairIsSwapped, "x_specs.py")
    assert "deploy-alone" in str(coverage([entry]))
    assert "concrete switches: 1 of 24" in str(coverage([entry]))


@pytest.mark.parametrize(
    ("wanted", "nearest"),
    [("swpa", "swap"), ("a-pair-is-swaped", "a-pair-is-swapped"), ("mnie", "mine")],
)
def test_an_unknown_name_is_refused_with_the_nearest(wanted: str, nearest: str) -> None:
    with pytest.raises(UsageError, match=f"did you mean {nearest}") as caught:
        require_known([wanted], [entry_of(WhenAPairIsSwapped, "x_specs.py")])
    assert caught.value.exit_code == 3


def test_a_name_like_no_other_gets_the_whole_list() -> None:
    assert suggestion("zzz", ["b", "a"]) == "there is: a, b"


def test_two_classes_of_one_name_are_refused(specs: SpecFolder) -> None:
    specs.write("one_specs.py", ONE)
    specs.write("two_specs.py", ONE)
    with pytest.raises(UsageError, match="one ID for two"):
        read_catalogue(specs.path)


def test_a_file_that_cannot_be_imported_is_named(specs: SpecFolder) -> None:
    specs.write("one_specs.py", "import nothing_of_this_name")
    with pytest.raises(UsageError, match=r"one_specs\.py cannot be imported"):
        read_catalogue(specs.path)


def test_a_folder_without_specs_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no spec in"):
        read_catalogue(tmp_path)


def test_list_gives_an_array_of_objects() -> None:
    done = CliRunner().invoke(app, ["list", str(SPECS), "--json"])
    assert done.exit_code == 0
    entries = json.loads(done.stdout)
    assert {tuple(entry) for entry in entries} == {("id", "kind", "case", "file", "class", "tags")}
    assert {entry["kind"] for entry in entries} >= set(Kind)
    assert len({entry["id"] for entry in entries}) == len(entries)


def test_list_for_people_can_be_narrowed_down() -> None:
    done = CliRunner().invoke(app, ["list", str(SPECS), "--only", "swap"])
    assert "master-and-slave-swap-their-roles" in done.stdout
    assert "keep-slave  " not in done.stdout


# --- run-contexts


@pytest.fixture
def two(specs: SpecFolder) -> SpecFolder:
    specs.write("one_specs.py", ONE)
    specs.write("two_specs.py", TWO)
    return specs


@pytest.mark.parametrize(
    "options",
    [
        ["--only", "a-thing-happens"],
        ["--only", "slow"],
        ["--only", "one"],
        ["--only", "WhenAThingHappens"],
        ["--except", "quick"],
        ["--only", "slow", "--only", "quick", "--except", "two"],
    ],
)
def test_one_of_two_is_run(two: SpecFolder, options: list[str]) -> None:
    done = two.run("specs", "-v", *options)
    assert "When a thing happens" in done.stdout
    assert "nothing much" not in done.stdout.lower()
    assert done.returncode == 0


def test_only_adds_up(two: SpecFolder) -> None:
    done = two.run("specs", "-v", "--only", "slow", "--only", "quick")
    assert "2 contexts" in done.stdout


@pytest.mark.parametrize("option", ["--only", "--except"])
def test_a_name_that_selects_nothing_runs_nothing(two: SpecFolder, option: str) -> None:
    done = two.run("specs", "-v", option, "slwo")
    assert done.returncode == 3
    assert "did you mean slow?" in done.stdout
    assert "0 contexts" in done.stdout


def test_an_empty_selection_is_refused(two: SpecFolder) -> None:
    done = two.run("specs", "-v", "--only", "slow", "--except", "one")
    assert done.returncode == 3
    assert "nothing is selected" in done.stdout
