"""How far the way to a node leads: one try to log in, told as the steps that it consists of."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

from cluster_tests.doctor.checking import Check
from tunnels.errors import (
    HandshakeError,
    HostKeyError,
    IdentityError,
    KeyRefusedError,
    KnownHostsError,
    TunnelError,
    UnreachableError,
)

if TYPE_CHECKING:
    from collections.abc import Callable

# In the order in which a connection takes them (tunnels.connection): where one fails, nothing is
# known of those behind it.
# What cannot be told from others counts as the first, so that nothing is said to hold untried.
STEPS = ("ssh settings", "key", "known_hosts", "name", "port", "ssh", "host key", "login")
LOGIN = STEPS[-1]


class Login:
    """The checks of one login. ``log_in`` is called once, by the first of them."""

    def __init__(self, log_in: Callable[[], None]) -> None:
        """Log in by ``log_in``, which raises TunnelError."""
        self._log_in = log_in
        self._error: TunnelError | None = None

    def checks(self) -> list[Check]:
        """One check a step, each needing the one before."""
        first, *others = STEPS
        rest = [
            Check(step, lambda step=step: self._told(step), (before,))  # type: ignore[misc]
            for before, step in zip(STEPS, others, strict=False)
        ]
        return [Check(first, self._first), *rest]

    def _first(self) -> str:
        try:
            self._log_in()
        except TunnelError as error:
            self._error = error
        return self._told(STEPS[0])

    def _told(self, step: str) -> str:
        if self._error is not None and failed_step(self._error) == step:
            raise self._error
        return ""


def failed_step(error: TunnelError) -> str:
    """Tell at which step a login failed."""
    if isinstance(error, IdentityError):
        return "key"
    if isinstance(error, KnownHostsError):
        return "known_hosts"
    if isinstance(error, UnreachableError):
        unknown = isinstance(error.__cause__, (socket.gaierror, UnicodeError))
        return "name" if unknown else "port"
    later = {HandshakeError: "ssh", HostKeyError: "host key", KeyRefusedError: LOGIN}
    return next((step for kind, step in later.items() if isinstance(error, kind)), STEPS[0])
