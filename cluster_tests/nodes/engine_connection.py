"""The way to one node's Docker engine, over its forwarded socket.

Foreign exceptions stop here: whatever the SDK or the socket raises becomes a ``NodeError`` that
says what was asked of which node, and what mends it.
"""

from __future__ import annotations

import contextlib
import socket
from typing import TYPE_CHECKING, Any, TypeVar

import docker
import docker.errors
import requests

from cluster_tests.errors import NodeError
from cluster_tests.way import UNBROKEN, repeated

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from cluster_tests.way import Way

# An observation reads containers and volumes at once, and two files where no shell can tell them
# (shells have connections of their own); one follows the events, one is for whoever looks in.
CONNECTIONS = 6
T = TypeVar("T")


class EngineConnection:
    """What all that is asked of an engine shares. Safe to use from several threads.

    What changes nothing is asked again when the way to the node breaks under the request.
    """

    def __init__(self, node: str, socket_path: Path, timeout: float, way: Way = UNBROKEN) -> None:
        """Reach the engine of ``node`` at ``socket_path``; every answer is due in ``timeout`` s."""
        self.node = node
        self.way = way
        self._socket_path = str(socket_path)
        self._timeout = timeout
        self._api: Any = None

    @repeated
    def open(self) -> None:
        """Agree on an API version; raise ``NodeError`` if the engine does not answer."""
        with self._translated("connecting"):
            self._reach()
            self._api = docker.APIClient(
                base_url=f"unix://{self._socket_path}",
                version="auto",
                timeout=self._timeout,
                max_pool_size=CONNECTIONS,
                num_pools=1,
            )
            self._api.trust_env = False  # no proxy is on the way to a socket: do not look for one

    def _reach(self) -> None:
        # The SDK leaves a socket behind each time it finds nobody there.
        with socket.socket(socket.AF_UNIX) as reached:
            reached.settimeout(self._timeout)
            reached.connect(self._socket_path)

    def close(self) -> None:
        """Drop the connections."""
        api, self._api = self._api, None
        if api is not None:
            api.close()

    @repeated
    def events(self, filters: dict[str, list[str]]) -> Any:  # noqa: ANN401 - the SDK is untyped
        """Open the engine's events: an iterator whose ``close`` ends it from any thread."""
        with self._translated("following its events"):
            return self._api.events(filters=filters, decode=True)

    @repeated
    def ask(self, doing: str, question: Callable[[Any], T]) -> T:
        """Put ``question`` to the SDK's client, as the readers here do; it may change nothing."""
        with self._translated(doing):
            return question(self._api)

    @contextlib.contextmanager
    def _translated(self, doing: str) -> Iterator[None]:
        try:
            yield
        except docker.errors.NotFound as error:
            raise NodeError(
                self.node,
                f"{doing}: {error.explanation}",
                remedy=f"on {self.node}: docker ps --all",
            ) from error
        except docker.errors.APIError as error:
            raise NodeError(self.node, f"{doing}: {error.explanation or error}") from error
        except requests.Timeout as error:
            message = f"{doing}: the engine gave no answer in {self._timeout:g} s"
            raise NodeError(self.node, message, remedy=self._remedy()) from error
        except (docker.errors.DockerException, requests.RequestException, OSError) as error:
            message = f"{doing}: the engine does not answer ({_root(error)})"
            raise NodeError(self.node, message, remedy=self._remedy()) from error

    def _remedy(self) -> str:
        return f"on {self.node}: start the Docker engine (for the lab: cluster-tests lab up)"


def _root(error: BaseException) -> str:
    """Give the innermost reason: the libraries wrap one error several times."""
    while error.__context__ is not None:
        error = error.__context__
    return f"{type(error).__name__}: {error}"
