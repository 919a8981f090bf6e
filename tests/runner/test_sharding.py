"""`run-contexts --shard I/N`: parts that together are the whole, and the infrastructure in each."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from cluster_tests.cli import app
from cluster_tests.results.reader import read_results

if TYPE_CHECKING:
    from pathlib import Path

    from spec_folder import SpecFolder

pytest_plugins = ["spec_folder"]

CLASS = '''
    class When{name}Happens:
        """{name}: it happens"""
        tags = ("{tag}",)
        def because(self): self.x = 1
        def should_hold(self): assert self.x == 1
'''
NAMES = ("A", "B", "C", "D", "E")


@pytest.fixture
def five(specs: SpecFolder) -> SpecFolder:
    """Five classes in two files, and a foundation."""
    specs.write("ab_spec.py", "".join(CLASS.format(name=name, tag="first") for name in "AB"))
    specs.write("ce_spec.py", "".join(CLASS.format(name=name, tag="last") for name in "CDE"))
    specs.write("base_spec.py", "    FOUNDATION = True" + CLASS.format(name="Base", tag="base"))
    return specs


def ran(specs: SpecFolder, *options: str) -> tuple[Path, set[str]]:
    before = set((specs.path.parent / "results").glob("*/run.json"))
    done = specs.run("specs", "-v", *options)
    assert done.returncode == 0, done.stdout
    [new] = set((specs.path.parent / "results").glob("*/run.json")) - before
    return new.parent, {scenario.id for scenario in read_results(new.parent).scenarios}


@pytest.mark.parametrize("options", [(), ("--only", "last"), ("--except", "first")], ids=str)
def test_shards_are_disjoint_and_complete_but_for_the_foundation(
    five: SpecFolder, options: tuple[str, ...]
) -> None:
    _, whole = ran(five, *options)
    shards = [ran(five, *options, "--shard", f"{number}/2")[1] for number in (1, 2)]
    base = {"base-happens"} & whole
    assert (options[:1] == ("--only",)) != bool(base)
    assert shards[0] | shards[1] == whole
    assert shards[0] & shards[1] == base
    assert all(shard - base for shard in shards)


def test_shards_are_merged_to_the_whole_and_an_incomplete_one_is_no_pass(five: SpecFolder) -> None:
    parts = [ran(five, "--shard", f"{number}/3")[0] for number in (1, 2, 3)]
    root = five.path.parent / "results"
    arguments = [*map(str, parts), "--into", str(root / "whole")]
    done = CliRunner().invoke(app, ["merge", *arguments])
    assert done.exit_code == 0, done.output
    results = read_results(root / "whole")
    assert {scenario.id for scenario in results.scenarios} >= {
        f"{n.lower()}-happens" for n in NAMES
    }
    assert results.not_run == ()
    done = CliRunner().invoke(app, ["merge", *arguments[1:3], "--into", str(root / "part")])
    assert done.exit_code == 2


def test_known_durations_balance_the_shards(five: SpecFolder) -> None:
    slow = "self.x = 1; __import__('time').sleep(0.5)"
    five.write("ab_spec.py", CLASS.format(name="A", tag="x").replace("self.x = 1", slow, 1))
    ran(five)
    _, ids = ran(five, "--shard", "1/2")
    assert ids == {"base-happens", "a-happens"}
    told = five.run("specs", "-v", "--shard", "2/2").stdout
    assert "shard 2/2: 3 of 4 spec classes, about 0 s (split " in told


def test_one_class_in_two_shards_is_refused(five: SpecFolder) -> None:
    done = five.run("specs", "--only", "a-happens", "--shard", "2/2")
    assert done.returncode == 3
    assert "shard 2/2 is empty: 1 spec classes are selected" in done.stdout


def test_a_named_class_alone_is_split(five: SpecFolder) -> None:
    done = five.run("specs/ab_spec.py:WhenAHappens", "-v", "--shard", "1/1")
    assert done.returncode == 0
    assert "shard 1/1: 1 of 1 spec classes" in done.stdout


def test_what_is_no_shard_is_refused_before_anything_runs(five: SpecFolder) -> None:
    done = five.run("specs", "--shard", "3/2")
    assert done.returncode == 3
    assert "'3/2' is no shard" in done.stderr
