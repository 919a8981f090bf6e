"""The exception tree. Every error says what failed, on which node, and what mends it.

    ClusterTestsError
    ├── UsageError             the caller's mistake: options, inventory, spec grammar    exit 3
    │   ├── InventoryError     the inventory file: every problem at once
    │   ├── DefinitionError    a service's repository does not say what the contract asks
    │   ├── EventTooLargeError an event that Consul would not carry; it was not sent
    │   └── RefusedError       a cluster, name or file that is not ours to change
    ├── LabError               the local lab, or the host below it                       exit 2
    ├── HarnessError           a tunnel, an engine or Consul is out of reach             exit 2
    │   ├── NodeError          one node does not answer; carries the node
    │   ├── ConsulError        Consul does not answer, or has no leader
    │   └── SeveralErrors      errors of calls made side by side; carries them all
    └── ClusterError           the cluster under test broke its contract                 exit 1
        ├── NotSettledError    observation and expectation still differ at the deadline
        └── FrontError         a node's front does not serve an application; carries the node

A run whose specs of the infrastructure fail ends with 2 as well, whatever else fails: on nodes that
are not fit nothing is proved (plugin/foundation.py).

Errors of libraries are translated where they enter (tunnels, docker, consul, requests); nothing
above those modules sees a foreign exception.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

E = TypeVar("E", bound=BaseException)

REMEDY = "to mend it: "  # begins the line of what mends an error


class ClusterTestsError(Exception):
    """Base of all: a message, and the command or step that mends it."""

    exit_code = 2

    def __init__(self, message: str, *, remedy: str = "") -> None:
        """Keep ``message`` (what failed, on which node) and ``remedy`` (what mends it)."""
        super().__init__(message)
        self.message = message
        self.remedy = remedy

    def __str__(self) -> str:
        """Print the message, and the remedy on a line of its own."""
        return f"{self.message}\n  {REMEDY}{self.remedy}" if self.remedy else self.message


class UsageError(ClusterTestsError):
    """The caller's mistake."""

    exit_code = 3


class InventoryError(UsageError):
    """The inventory is missing, malformed or contradicts itself."""


class DefinitionError(UsageError):
    """A service's compose file is malformed, or asks for what the contract does not know."""


class EventTooLargeError(UsageError):
    """An event is larger than Consul carries; nothing was sent."""


class RefusedError(UsageError):
    """What was asked would change something the suite was not told it may change."""


class LabError(ClusterTestsError):
    """The local lab, or the host below it, cannot do what was asked."""


class HarnessError(ClusterTestsError):
    """Something between the suite and the cluster broke: no verdict can be given."""


class NodeError(HarnessError):
    """One node does not answer as it must."""

    def __init__(self, node: str, message: str, *, remedy: str = "") -> None:
        """Name the ``node`` in front of the message."""
        super().__init__(f"{node}: {message}", remedy=remedy)
        self.node = node


class ConsulError(HarnessError):
    """Consul does not answer, or has no leader."""


class SeveralErrors(HarnessError):  # noqa: N818 - it is not one error, and says so
    """Errors of calls made side by side, none lost; ``errors`` holds them in order."""

    def __init__(self, errors: Sequence[ClusterTestsError]) -> None:
        """Join the messages, one a line, and the remedies, each once."""
        lines = "".join(f"\n  {error.message}" for error in errors)
        remedies = dict.fromkeys(error.remedy for error in errors if error.remedy)
        super().__init__(f"{len(errors)} calls failed:{lines}", remedy="; ".join(remedies))
        self.errors = tuple(errors)


class ClusterError(ClusterTestsError):
    """The cluster under test broke its contract."""

    exit_code = 1


class NotSettledError(ClusterError):
    """The cluster did not reach the expected state before the deadline.

    ``reason`` is what the last look found missing, ``objections`` why in the agents' own words;
    both are in the message, too.
    """

    def __init__(self, message: str, *, reason: str = "", objections: Sequence[str] = ()) -> None:
        """Keep what is told apart from the message."""
        super().__init__(message)
        self.reason = reason
        self.objections = tuple(objections)


class FrontError(ClusterError):
    """A node's front refuses, breaks off, is too late, or answers what it must not."""

    def __init__(self, node: str, message: str, *, remedy: str = "") -> None:
        """Name the ``node`` in front of the message."""
        super().__init__(f"{node}: {message}", remedy=remedy)
        self.node = node


def joined(errors: Iterable[E | None]) -> E | None:
    """Give the first error that is one, with the others as its notes."""
    found = [error for error in errors if error is not None]
    for other in found[1:]:
        found[0].add_note(f"and then: {other}")
    return found[0] if found else None
