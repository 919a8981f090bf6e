"""Each trap of Contexts' naming, shown red; and the specs of this project, shown clean."""

from __future__ import annotations

import sys
from collections.abc import Callable
from textwrap import dedent
from types import ModuleType
from typing import TYPE_CHECKING

import pytest

from cluster_tests.errors import UsageError
from cluster_tests.grammar.rules import problems_of, require_good_grammar, spec_classes

if TYPE_CHECKING:
    from pathlib import Path

MakeModule = Callable[..., ModuleType]
HEAD = """
from cluster_tests.model import NOWHERE, Placement
import contexts
"""
BODY = """
    def because(self): pass
    def should_hold(self): assert self
"""


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> MakeModule:
    """Imports a piece of source as a spec module, from a file: the grammar reads sources."""
    monkeypatch.syspath_prepend(tmp_path)

    def make(source: str, name: str = "trap_spec") -> ModuleType:
        path = tmp_path / f"{name}.py"
        text = HEAD + dedent(source)
        path.write_text(text)
        made = ModuleType(name)
        made.__file__ = str(path)
        monkeypatch.setitem(sys.modules, name, made)
        exec(compile(text, path, "exec"), made.__dict__)  # noqa: S102 - the trap is the test
        return made

    return make


TRAPS = {
    "inherited sentence": (
        dedent("""
        class Base:
            def should_be_asked(self): assert self
        class WhenX(Base):
        """)
        + BODY,
        "WhenX: Base.should_be_asked is inherited",
    ),
    "inherited because": (
        """
        class Base:
            def because(self): pass
        class WhenX(Base):
            def should_hold(self): assert self
        """,
        "WhenX: Base.because is inherited",
    ),
    "inherited examples": (
        dedent("""
        class Base:
            @classmethod
            def examples(cls): return [1]
        class WhenX(Base):
        """)
        + BODY,
        "WhenX: Base.examples are inherited",
    ),
    "base class that matches": (
        "class SpecBase:" + BODY + "class WhenX(SpecBase):" + BODY,
        "SpecBase is a base class, yet its name makes Contexts run it",
    ),
    "imported class that matches": (
        "from tests_helper_module import ClusterInspector\nclass WhenX:" + BODY,
        "ClusterInspector is imported into trap_spec",
    ),
    "two givens": (
        "class WhenX:\n    def given_a(self): pass\n    def given_b(self): pass" + BODY,
        "WhenX has several of one kind (given): given_a, given_b",
    ),
    "two cleanups": (
        "class WhenX:\n    def cleanup_a(self): pass\n    def cleanup_b(self): pass" + BODY,
        "WhenX has several of one kind (cleanup): cleanup_a, cleanup_b",
    ),
    "two becauses, one by decorator": (
        "class WhenX:\n    @contexts.action\n    def deploy(self): pass" + BODY,
        "WhenX has several of one kind (because): deploy, because",
    ),
    "words of two kinds": (
        "class WhenX:\n    def should_run_after_a_switch(self): assert self" + BODY,
        "WhenX.should_run_after_a_switch has words of two kinds",
    ),
    "a given that calls super": (
        dedent("""
        class Base:
            def given_a_base(self): pass
        class WhenX(Base):
            def given_more(self): super().given_a_base()
        """)
        + BODY,
        "WhenX.given_more calls a given or cleanup of another class",
    ),
    "a cleanup that calls its base's by name": (
        dedent("""
        class Base:
            def cleanup_base(self): pass
        class WhenX(Base):
            def cleanup_more(self): Base.cleanup_base(self)
        """)
        + BODY,
        "WhenX.cleanup_more calls a given or cleanup of another class",
    ),
    "an overridden given": (
        dedent("""
        class Base:
            def given(self): pass
        class WhenX(Base):
            def given(self): pass
        """)
        + BODY,
        "WhenX: given is there 2 times, and Contexts runs them all",
    ),
    "examples that are no classmethod": (
        "class WhenX:\n    def examples(self): return [1]" + BODY,
        "WhenX.examples must be a classmethod",
    ),
    "a sentence that asserts nothing": (
        "class WhenX:\n    def because(self): pass\n    def should_hold(self): self.x == 1\n",
        "WhenX.should_hold asserts nothing",
    ),
    "a sentence that asserts over nothing": (
        """
        class WhenX:
            def because(self): pass
            def should_hold(self):
                for node in ():
                    assert node
        """,
        "WhenX.should_hold asserts only inside loops",
    ),
    "a sentence that is a generator": (
        """
        class WhenX:
            def because(self): pass
            def should_hold(self):
                yield
                assert self
        """,
        "WhenX.should_hold is a generator or a coroutine",
    ),
    "a because that is a coroutine": (
        "class WhenX:\n    async def because(self): pass\n    def should_hold(self): assert self\n",
        "WhenX.because is a generator or a coroutine",
    ),
    "no because": (
        "class WhenX:\n    def should_hold(self): assert self\n",
        "WhenX has no because",
    ),
    "no sentence": ("class WhenX:\n    def because(self): pass\n", "WhenX has no sentence"),
    "a misspelled sentence": (
        "class WhenX:\n    def shuold_hold(self): assert self" + BODY,
        "WhenX.shuold_hold is no given, because, should or cleanup",
    ),
    "a docstring of another kind": (
        'class WhenX:\n    """swap: core1 => core2"""\n'
        '    before = Placement("core1")\n    after = Placement("core2")' + BODY,
        'its placements are """move-alone: core1 => core2"""',
    ),
    "no docstring": (
        'class WhenX:\n    before = NOWHERE\n    after = Placement("core2")' + BODY,
        'its placements are """deploy-alone: nowhere => core2"""',
    ),
    "a switch that is none": (
        "class WhenX:\n    before = after = NOWHERE" + BODY,
        "from nowhere to nowhere is no switch",
    ),
}


@pytest.fixture(autouse=True)
def _a_module_to_import_from(module: MakeModule) -> None:
    module("class ClusterInspector: pass", "tests_helper_module")


@pytest.mark.parametrize("trap", TRAPS)
def test_each_trap_is_seen(module: MakeModule, trap: str) -> None:
    source, problem = TRAPS[trap]
    trapped = module(source)
    found = [line for cls in spec_classes(trapped) for line in problems_of(cls, trapped)]
    assert any(problem in line for line in found), found


def test_all_problems_come_in_one_error(module: MakeModule) -> None:
    trapped = module("class WhenX: pass\nclass WhenY:\n    def because(self): pass\n")
    with pytest.raises(UsageError) as caught:
        require_good_grammar([trapped])
    assert "WhenX has no sentence" in str(caught.value)
    assert "WhenX has no because" in str(caught.value)
    assert "WhenY has no sentence" in str(caught.value)


def test_modules_without_a_spec_are_refused(module: MakeModule) -> None:
    with pytest.raises(UsageError, match="no spec was found"):
        require_good_grammar([module("x = 1")])


def test_a_good_spec_has_no_problem(module: MakeModule) -> None:
    good = module("""
        class ABase:
            before: Placement
            def given_a_base(self): self._x = 1
            def switch(self): pass
            def cleanup_the_base(self): pass
        class WhenX(ABase):
            \"\"\"deploy-alone: nowhere => core1\"\"\"
            before = NOWHERE
            after = Placement("core1")
            def given_more(self): self._helper()
            def because_we_switch(self): self.switch()
            def should_hold(self):
                for node in "ab":
                    assert node
                assert self._x
            def should_use_a_helper(self): self.assert_more()
            def _helper(self): pass
    """)
    assert list(problems_of(good.WhenX, good)) == []
