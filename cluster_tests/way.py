"""The way to a node, as its readers see it: a request that broke with the way is asked again.

A tunnel that is lost takes the requests along that were in it, and comes back by itself. Such a
request says nothing about the cluster: where asking twice changes nothing it is repeated, once the
way is open again; where it might change something, the harness is at fault, never the cluster.
"""

from __future__ import annotations

import functools
import time
from typing import TYPE_CHECKING, Concatenate, ParamSpec, Protocol, TypeVar

from cluster_tests.errors import ClusterTestsError, FrontError, HarnessError, NodeError

if TYPE_CHECKING:
    from collections.abc import Callable

_TRIES = 4
"""For one request; between two of them the way has broken, and the tunnel has waited for it."""

P = ParamSpec("P")
T = TypeVar("T")


class Way:
    """One node's way; ``broke_since`` tells whether it broke after a time of ``time.monotonic``.

    A way that leads through no tunnel never breaks.
    """

    def __init__(self, node: str = "", broke_since: Callable[[float], bool] | None = None) -> None:
        """Lead to ``node``."""
        self.node = node
        self.broke_since = broke_since or (lambda _moment: False)

    def repeat(self, ask: Callable[[], T], again: Callable[[], T] | None = None) -> T:
        """Ask, and ask again as long as the way breaks under the request.

        ``again`` is asked in place of ``ask`` from the second time on, where that makes a
        difference. Raises what they raise, and ``NodeError`` in the place of ``FrontError`` where
        the way broke under every try.
        """
        for _ in range(_TRIES - 1):
            began = time.monotonic()
            try:
                return ask()
            except (HarnessError, FrontError):
                if not self.broke_since(began):
                    raise
            ask = again or ask
        return self.once(ask)

    def once(self, ask: Callable[[], T]) -> T:
        """Ask what must not be asked twice; raise ``NodeError`` for what broke with the way."""
        began = time.monotonic()
        try:
            return ask()
        except FrontError as error:
            if self.broke_since(began):
                raise self.fault(error) from error
            raise

    def fault(self, error: ClusterTestsError) -> NodeError:
        """Tell an error as the harness's fault, which it is where the way broke."""
        return NodeError(
            self.node,
            f"the tunnel broke under a request: {error.message}",
            remedy=f"see whether the connection to {self.node} is stable, and run it again",
        )


UNBROKEN = Way()
"""Never breaks: for what is reached without a tunnel."""


class _HasWay(Protocol):
    @property
    def way(self) -> Way: ...


S = TypeVar("S", bound=_HasWay)


def repeated(
    method: Callable[Concatenate[S, P], T],
) -> Callable[Concatenate[S, P], T]:
    """Make a method that changes nothing ask again when its object's ``way`` breaks under it."""

    def ask(self: S, /, *args: P.args, **kwargs: P.kwargs) -> T:
        return self.way.repeat(lambda: method(self, *args, **kwargs))

    return functools.update_wrapper(ask, method)
