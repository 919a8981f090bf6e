"""Several tunnels that open side by side, all or none."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from tunnels.errors import GroupError, TunnelError
from tunnels.keyring import unlock
from tunnels.tunnel import Tunnel

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from types import TracebackType
    from typing import Self

    from tunnels.specs import Forward, Target

_SIDE_BY_SIDE = 32
"""Tunnels that open at one time; a handshake is half waiting, half arithmetic."""


class TunnelGroup(Mapping[str, Tunnel]):
    """Tunnels by name. Each carries its forwards over one connection of its own."""

    def __init__(self, plan: Mapping[str, tuple[Target, Sequence[Forward]]]) -> None:
        """Prepare a tunnel for each name: where it goes and what it forwards."""
        self._forwards = {name: tuple(forwards) for name, (_, forwards) in plan.items()}
        self._tunnels = {name: Tunnel(target) for name, (target, _) in plan.items()}

    def __getitem__(self, name: str) -> Tunnel:
        """Give the tunnel of that name."""
        return self._tunnels[name]

    def __iter__(self) -> Iterator[str]:
        """Go through the names, as planned."""
        return iter(self._tunnels)

    def __len__(self) -> int:
        """Count the tunnels."""
        return len(self._tunnels)

    def open(self) -> None:
        """Open all tunnels with all their forwards; to be called once.

        Raises GroupError, with every tunnel's own error, when one fails; all are closed then.
        """
        unlock(tunnel.target for tunnel in self._tunnels.values())
        try:
            failures = self._open_all()
        except BaseException:
            self.close()
            raise
        if failures:
            self.close()
            count = f"{len(failures)} of {len(self)} tunnels"
            raise GroupError(f"{count} did not open; all are closed again", failures)

    def close(self) -> None:
        """Close all tunnels, whatever state they are in. Calling it again does nothing.

        Raises GroupError when one could not be closed; the others are closed all the same.
        """
        failures = {}
        for name, tunnel in self._tunnels.items():
            try:
                tunnel.close()
            except TunnelError as error:
                failures[name] = error
        if failures:
            raise GroupError(f"{len(failures)} of {len(self)} tunnels did not close", failures)

    def __enter__(self) -> Self:
        """Open all tunnels."""
        self.open()
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        """Close all tunnels."""
        self.close()

    def _open_all(self) -> dict[str, TunnelError]:
        with ThreadPoolExecutor(_SIDE_BY_SIDE, "tunnels open") as pool:
            outcomes = dict(zip(self, pool.map(self._open_one, self), strict=True))
        return {name: error for name, error in outcomes.items() if error is not None}

    def _open_one(self, name: str) -> TunnelError | None:
        tunnel = self._tunnels[name]
        try:
            tunnel.open()
            for spec in self._forwards[name]:
                tunnel.forward(spec)
        except TunnelError as error:
            return error
        return None
