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

_SIMULTANEOUS = 0.1
"""Seconds before a request in which the way's break may still be why the request broke: a pooled
connection is reset a moment after the break is noted."""

P = ParamSpec("P")
T = TypeVar("T")


class Way:
    """One node's way. One that leads through no tunnel never breaks."""

    def __init__(self, node: str = "", broke_since: Callable[[float], bool] | None = None) -> None:
        """Lead to ``node``; ``broke_since`` is ``Tunnel.broke_since``."""
        self.node = node
        self._broke_since = broke_since or (lambda _moment: False)

    def broke_since(self, moment: float) -> bool:
        """Tell whether the way's break may be why a request broke that began at ``moment``.

        ``moment`` is of ``time.monotonic``, as the tunnel's clock.
        """
        return self._broke_since(moment - _SIMULTANEOUS)

    def broke_under(self, connected: float) -> bool:
        """Tell whether the way broke after a connection of the request's own was asked for.

        For what may look well though it broke: there ``broke_since`` would suspect what came just
        after the break, too, and so all tries that are quick.
        """
        return self._broke_since(connected)

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
