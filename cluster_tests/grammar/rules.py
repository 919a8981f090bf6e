"""Checks spec classes before anything is deployed: Contexts finds everything by name, silently.

Each trap below makes Contexts skip something without a word, or abort in the middle of a run:
what looks like a green sentence was never asked. The rules are those of contexts.core.TestClass
and contexts.plugins.identification (0.12), asked through Contexts' own identification.
"""

from __future__ import annotations

import inspect
from collections import Counter
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any

from contexts.errors import MethodNamingError
from contexts.plugin_interface import ACTION, ASSERTION, CONTEXT, EXAMPLES, SETUP, TEARDOWN
from contexts.plugins.identification import NameBasedIdentifier
from contexts.plugins.identification.decorators import DecoratorBasedIdentifier

from cluster_tests.errors import UsageError
from cluster_tests.grammar.source import asserts_nothing, asserts_only_in_loops
from cluster_tests.model import Placement, Switch

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from types import ModuleType

_REMEDY = "rename or move it; docs/writing-specs.md tells how a spec is written"


class Part(Enum):
    """What Contexts takes a method for."""

    EXAMPLES = "examples"
    GIVEN = "given"
    BECAUSE = "because"
    SENTENCE = "sentence"
    CLEANUP = "cleanup"
    AMBIGUOUS = "ambiguous"
    NOTHING = "nothing"


_PARTS = {
    EXAMPLES: Part.EXAMPLES,
    SETUP: Part.GIVEN,
    ACTION: Part.BECAUSE,
    ASSERTION: Part.SENTENCE,
    TEARDOWN: Part.CLEANUP,
    None: Part.NOTHING,
}
_ONCE = (Part.EXAMPLES, Part.GIVEN, Part.BECAUSE, Part.CLEANUP)
_LEAF_ONLY = {
    Part.SENTENCE: "is inherited: Contexts runs the sentences of the class itself alone",
    Part.BECAUSE: "is inherited: Contexts runs the because of the class itself alone",
    Part.EXAMPLES: "are inherited: Contexts uses the examples of the class itself alone",
}
_identifiers = (DecoratorBasedIdentifier(), NameBasedIdentifier())  # asked in Contexts' order
_no_code = (lambda: None).__code__


@dataclass(frozen=True)
class Method:
    """A public callable that ``owner`` itself defines, and what Contexts takes it for."""

    owner: type
    name: str
    part: Part

    @property
    def function(self) -> Any:  # noqa: ANN401 - whatever the class holds under that name
        """The function below a classmethod or staticmethod."""
        held = vars(self.owner)[self.name]
        return getattr(held, "__func__", held)

    def __str__(self) -> str:
        """Print as ``Class.method``."""
        return f"{self.owner.__name__}.{self.name}"


def is_spec(cls: type) -> bool:
    """Tell whether Contexts runs ``cls`` wherever it finds it."""
    return any(identifier.identify_class(cls) is CONTEXT for identifier in _identifiers)


def part_of(function: Any) -> Part:  # noqa: ANN401 - Contexts asks about any callable
    """Tell what Contexts takes ``function`` for; it reads the function's own name."""
    try:
        answers = [identifier.identify_method(function) for identifier in _identifiers]
    except MethodNamingError:
        return Part.AMBIGUOUS
    return _PARTS[next((answer for answer in answers if answer is not None), None)]


def methods_of(cls: type) -> list[Method]:
    """List what ``cls`` itself defines, as contexts.core.TestClass sees it."""
    return [
        Method(cls, name, part_of(getattr(cls, name)))
        for name in vars(cls)
        if not name.startswith("_") and callable(getattr(cls, name))
    ]


def require_good_grammar(modules: Iterable[ModuleType]) -> None:
    """Raise ``UsageError`` with every problem of the spec classes in ``modules``, or none at all.

    A run without a spec would be a green that proves nothing: it is an error as well.
    """
    modules = list(modules)
    found = [(module, cls) for module in modules for cls in spec_classes(module)]
    if not found:
        raise UsageError(
            "no spec was found: nothing would be proved",
            remedy="name a folder or file with 'spec' in its name that has a class When…",
        )
    problems = [problem for module, cls in found for problem in problems_of(cls, module)]
    if problems:
        lines = "".join(f"\n  {problem}" for problem in dict.fromkeys(problems))
        raise UsageError(f"the specs would not run as they read:{lines}", remedy=_REMEDY)


def spec_classes(module: ModuleType) -> list[type]:
    """List the classes that Contexts runs from ``module``: imported ones too."""
    return [cls for _, cls in inspect.getmembers(module, inspect.isclass) if is_spec(cls)]


def problems_of(cls: type, module: ModuleType | None = None) -> Iterator[str]:
    """Yield every trap that ``cls`` runs into; ``module`` is where Contexts found it."""
    if module is not None and cls.__module__ != module.__name__:
        yield (
            f"{cls.__name__} is imported into {module.__name__}, where Contexts would run it"
            " once more: import its module instead"
        )
        return
    bases = [base for base in cls.__mro__[1:] if base is not object]
    yield from _leaf_problems(cls)
    for base in bases:
        yield from _base_problems(base, cls)
    for owner in (cls, *bases):
        yield from _class_problems(owner)
    yield from _override_problems(cls)
    yield from _docstring_problems(cls)


def _leaf_problems(cls: type) -> Iterator[str]:
    methods = methods_of(cls)
    parts = {method.part for method in methods}
    if Part.SENTENCE not in parts:
        yield f"{cls.__name__} has no sentence: Contexts would skip it without a word"
    if Part.BECAUSE not in parts:
        yield f"{cls.__name__} has no because: nothing would happen before its sentences"
    for method in methods:
        if method.part is Part.NOTHING and inspect.isfunction(method.function):
            yield (
                f"{method} is no given, because, should or cleanup: Contexts would never call it"
                " (a helper's name begins with _)"
            )


def _base_problems(base: type, leaf: type) -> Iterator[str]:
    if is_spec(base):
        yield f"{base.__name__} is a base class, yet its name makes Contexts run it as a spec"
    for method in methods_of(base):
        if method.part in _LEAF_ONLY and method.name not in vars(leaf):
            yield f"{leaf.__name__}: {method} {_LEAF_ONLY[method.part]}"


def _class_problems(cls: type) -> Iterator[str]:
    methods = methods_of(cls)
    counts = Counter(method.part for method in methods)
    for part in _ONCE:
        if counts[part] > 1:
            names = ", ".join(method.name for method in methods if method.part is part)
            yield f"{cls.__name__} has several of one kind ({part.value}): {names}"
    for method in methods:
        if method.part is not Part.NOTHING:
            yield from _method_problems(method)


def _method_problems(method: Method) -> Iterator[str]:
    function = method.function
    if method.part is Part.AMBIGUOUS:
        yield f"{method} has words of two kinds in its name, which aborts the whole run"
    elif inspect.isgeneratorfunction(function) or inspect.iscoroutinefunction(function):
        if method.part is not Part.EXAMPLES:
            yield f"{method} is a generator or a coroutine: calling it runs none of its body"
    elif method.part is Part.SENTENCE:
        yield from _sentence_problems(method)
    if method.part is Part.EXAMPLES and not isinstance(
        vars(method.owner)[method.name], classmethod | staticmethod
    ):
        yield f"{method} must be a classmethod: Contexts calls it without an instance"


def _sentence_problems(method: Method) -> Iterator[str]:
    if asserts_nothing(method.function):
        yield f"{method} asserts nothing: it would always pass"
    elif asserts_only_in_loops(method.function):
        yield f"{method} asserts only inside loops: over nothing it would always pass"


def _override_problems(cls: type) -> Iterator[str]:
    run_from_each_class = [
        method
        for owner in cls.__mro__
        if owner is not object
        for method in methods_of(owner)
        if method.part in (Part.GIVEN, Part.CLEANUP)
    ]
    times = Counter(method.name for method in run_from_each_class)
    for name, count in times.items():
        if count > 1:
            yield f"{cls.__name__}: {name} is there {count} times, and Contexts runs them all"
    for method in run_from_each_class:
        called = set(getattr(method.function, "__code__", _no_code).co_names)
        if "super" in called or called & (times.keys() - {method.name}):
            yield f"{method} calls a given or cleanup of another class: Contexts does that already"


def _docstring_problems(cls: type) -> Iterator[str]:
    before, after = getattr(cls, "before", None), getattr(cls, "after", None)
    if not (isinstance(before, Placement) and isinstance(after, Placement)):
        return
    try:
        switch = Switch(before, after)
    except ValueError as error:
        yield f"{cls.__name__}: {error}"
        return
    line = (cls.__doc__ or "").strip().partition("\n")[0]
    expected = f"{switch.kind}: {switch}"
    if line != expected:
        yield f'{cls.__name__} says """{line}""", but its placements are """{expected}"""'
