"""The echo from outside: what it shows through a node's front.

The API is the service's own: fixtures/services/echo/server/echo_server.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from cluster_tests.errors import FrontError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cluster_tests.fronts.front import Front, Response

_EXCERPT = 200  # bytes of an unexpected answer that are worth showing


@dataclass(frozen=True)
class Shown:
    """What the echo shows: the files bound into it, the lines it keeps, who asked ``/ready``."""

    seen: Mapping[str, str]
    kept: tuple[str, ...]
    asked: Mapping[str, int]


@dataclass(frozen=True)
class Echo:
    """A published echo, asked through one node's ``front``.

    Both methods raise ``FrontError`` when the front does not serve this very application;
    ``version`` is the branch or tag it was published as.
    """

    front: Front
    domain: str
    version: str

    def show(self) -> Shown:
        """Ask for everything."""
        answer = self._checked(self.front.http(self.domain))
        return Shown(answer["seen"], tuple(answer["kept"]), answer["asked"])

    def keep(self, line: str) -> None:
        """Have a line kept on the volume."""
        self._checked(self.front.http(self.domain, "/kept", method="POST", body=line.encode()))

    def _checked(self, answer: Response) -> dict[str, Any]:
        try:
            document: dict[str, Any] = answer.json()
            version = document["version"]
        except (ValueError, KeyError, TypeError):
            version = None
        if answer.status != HTTPStatus.OK or version != self.version:
            said = f"{answer.status} {answer.body[:_EXCERPT].decode(errors='replace')!r}"
            raise FrontError(
                self.front.node, f"http://{self.domain}: not the echo {self.version}: {said}"
            )
        return document
