"""`behaves_like`: lends a spec class the sentences that it shares with others.

Machine.Specifications calls these behaviours. Contexts runs only the sentences of the class
itself, never inherited ones; so they are put onto the class instead of being inherited.
"""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, TypeVar

from cluster_tests.errors import UsageError
from cluster_tests.grammar.rules import Part, is_spec, methods_of

if TYPE_CHECKING:
    from collections.abc import Callable

Leaf = TypeVar("Leaf", bound=type)


def behaves_like(*behaviours: type) -> Callable[[Leaf], Leaf]:
    """Put the sentences of ``behaviours`` onto the decorated class.

    A behaviour is a plain class of ``should_…`` methods; what it annotates in its body is what it
    needs of the spec class. Raises ``UsageError``: something needed is missing, a sentence is
    there already, or a behaviour holds anything but sentences.
    """

    def decorate(leaf: Leaf) -> Leaf:
        for behaviour in behaviours:
            _require(behaviour, leaf)
            for sentence in methods_of(behaviour):
                setattr(leaf, sentence.name, sentence.function)
        return leaf

    return decorate


def _require(behaviour: type, leaf: type) -> None:
    sentences = methods_of(behaviour)
    if not sentences:
        raise UsageError(f"{behaviour.__name__} has no sentence to lend to {leaf.__name__}")
    if is_spec(behaviour):
        raise UsageError(f"{behaviour.__name__}: its name makes Contexts run it as a spec")
    for sentence in sentences:
        if sentence.part is not Part.SENTENCE:
            raise UsageError(f"{sentence} is no sentence: a behaviour holds nothing else")
        if hasattr(leaf, sentence.name):
            raise UsageError(f"{leaf.__name__} has {sentence.name} already: from {sentence} too")
    missing = _annotated(behaviour) - _provided(leaf)
    if missing:
        raise UsageError(
            f"{behaviour.__name__} needs {', '.join(sorted(missing))} of {leaf.__name__}",
            remedy="derive the class from a given that provides it",
        )


def _annotated(cls: type) -> frozenset[str]:
    return frozenset(name for base in cls.__mro__ for name in inspect.get_annotations(base))


def _provided(leaf: type) -> frozenset[str]:
    return _annotated(leaf) | frozenset(dir(leaf))
