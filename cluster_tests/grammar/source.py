"""What the source of a sentence shows: whether it can fail at all."""

from __future__ import annotations

import ast
import inspect
import textwrap
from typing import TYPE_CHECKING

from cluster_tests.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FunctionType

_LOOPS = (ast.For, ast.AsyncFor, ast.While)


def asserts_nothing(sentence: FunctionType) -> bool:
    """Tell whether ``sentence`` holds no assertion: no ``assert``, no call of ``assert_…``."""
    return not any(map(_is_assertion, ast.walk(_body(sentence))))


def asserts_only_in_loops(sentence: FunctionType) -> bool:
    """Tell whether every assertion of ``sentence`` is in a loop, which may have no turn."""
    return not any(map(_is_assertion, _outside_loops(_body(sentence))))


def _is_assertion(node: ast.AST) -> bool:
    if isinstance(node, ast.Call):
        called = node.func
        name = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
        return name.startswith("assert_")
    return isinstance(node, ast.Assert)


def _outside_loops(node: ast.AST) -> Iterator[ast.AST]:
    yield node
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, _LOOPS):
            yield from _outside_loops(child)


def _body(sentence: FunctionType) -> ast.AST:
    try:
        return ast.parse(textwrap.dedent(inspect.getsource(sentence)))
    except (OSError, TypeError) as error:
        raise UsageError(f"{sentence.__qualname__}: its source cannot be read: {error}") from error
