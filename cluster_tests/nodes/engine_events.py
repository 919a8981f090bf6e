"""Signals of one node's Docker engine: containers and volumes that come and go."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import docker.errors
import requests
import urllib3

from cluster_tests.errors import NodeError
from cluster_tests.waiting.signals import Source

if TYPE_CHECKING:
    from cluster_tests.nodes.node import Engine
    from cluster_tests.waiting.waiter import Bell

# Not exec_* and archive-path: health checks and our own looks cause those, and a look that signals
# the next look would never rest.
FILTERS = {
    "type": ["container", "volume"],
    "event": ["create", "start", "kill", "die", "destroy", "health_status"],
}


class EngineEvents(Source):
    """Rings at each event of ``FILTERS``."""

    def __init__(self, engine: Engine, bell: Bell) -> None:
        """Follow ``engine``."""
        super().__init__(f"Docker events of {engine.node}", bell, engine.way)
        self.node = engine.node
        self._engine = engine
        self._events: Any = None

    def connect(self) -> None:
        """Open the stream."""
        self._events = self._engine.events(FILTERS)

    def listen(self) -> None:
        """Ring at each event until the stream ends."""
        try:
            for event in self._events:
                self.tell(event)
                self.bell.ring()
        except (
            docker.errors.DockerException,
            requests.RequestException,
            urllib3.exceptions.HTTPError,
            OSError,
        ) as error:
            raise NodeError(self._engine.node, f"following Docker's events: {error}") from error
        raise NodeError(
            self._engine.node,
            "the engine ended its events",
            remedy=f"on {self._engine.node}: start the Docker engine",
        )

    def disconnect(self) -> None:
        """Shut the stream's socket."""
        if self._events is not None:
            self._events.close()
