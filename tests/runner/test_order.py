from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from cluster_tests.plugin.order import repeat_command

if TYPE_CHECKING:
    from spec_folder import SpecFolder

pytest_plugins = ["spec_folder"]

SENTENCES = "".join(f"    def should_{n}(self): assert self.x\n" for n in "abcdefgh")
MODULE = "".join(
    f"class When{name}:\n    def because(self): self.x = 1\n{SENTENCES}" for name in "ABCD"
)


def order_of(output: str) -> list[str]:
    return re.findall(r"^(?:When|  PASS).*", output, re.MULTILINE)


@pytest.fixture
def three_modules(specs: SpecFolder) -> SpecFolder:
    for name in ("one_spec.py", "two_spec.py", "three_spec.py"):
        specs.write(name, MODULE.replace("class When", f"class When{name[:3].title()}"))
    return specs


def test_a_seed_gives_the_same_order_again(three_modules: SpecFolder) -> None:
    first, second = (three_modules.run("specs", "-v", "--seed", "7").stdout for _ in range(2))
    assert len(order_of(first)) == 3 * 4 * 9
    assert order_of(first) == order_of(second)


def test_another_seed_changes_modules_classes_and_sentences(three_modules: SpecFolder) -> None:
    first, second = (
        order_of(three_modules.run("specs", "-v", "--seed", seed).stdout) for seed in "13"
    )
    assert first != second
    assert sorted(first) == sorted(second)
    classes = [[line for line in lines if line.startswith("When")] for lines in (first, second)]
    modules = [list(dict.fromkeys(line.split()[1] for line in lines)) for lines in classes]
    assert classes[0] != classes[1]
    assert modules[0] != modules[1]
    assert order_within(first, "When one a") != order_within(second, "When one a")


def test_the_printed_seed_repeats_the_run(three_modules: SpecFolder) -> None:
    output = three_modules.run("specs", "-v").stdout
    seed = re.search(r"--seed (\d+)", output)
    assert seed is not None
    assert order_of(three_modules.run("specs", "-v", "--seed", seed[1]).stdout) == order_of(output)


def test_a_class_alone_keeps_the_order_it_has_in_the_whole_run(three_modules: SpecFolder) -> None:
    whole = order_of(three_modules.run("specs", "-v", "--seed", "7").stdout)
    alone = order_of(three_modules.run("specs/two_spec.py:WhenTwoC", "-v", "--seed", "7").stdout)
    assert len(alone) == 9
    assert order_within(whole, "When two c") == alone[1:]


def test_no_random_runs_by_name_and_sentences_as_written(three_modules: SpecFolder) -> None:
    lines = order_of(three_modules.run("specs", "-v", "--no-random").stdout)
    assert [line for line in lines if line.startswith("When")] == [
        f"When {module} {cls}" for module in ("one", "thr", "two") for cls in "abcd"
    ]
    assert order_within(lines, "When one a") == [f"  PASS: should {n}" for n in "abcdefgh"]


def order_within(lines: list[str], context: str) -> list[str]:
    start = lines.index(context) + 1
    return lines[start : start + 8]


@pytest.mark.parametrize(
    "argv",
    [
        ["/bin/run-contexts", "specs", "-v"],
        ["run-contexts", "specs", "--seed", "1", "-v"],
        ["run-contexts", "--seed=1", "specs", "-v"],
    ],
)
def test_the_command_to_repeat_holds_one_seed(argv: list[str]) -> None:
    assert repeat_command(argv, 9) == "run-contexts specs -v --seed 9"


def test_the_command_to_repeat_is_quoted_for_a_shell() -> None:
    assert repeat_command(["run-contexts", "my specs"], None) == "run-contexts 'my specs'"
