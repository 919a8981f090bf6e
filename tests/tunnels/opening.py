"""A tunnel that must open, and one that must not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tunnels import Tunnel, TunnelError

if TYPE_CHECKING:
    from tunnels import Target


def opens(target: Target) -> None:
    """Open a tunnel and close it again."""
    with Tunnel(target) as tunnel:
        assert tunnel.is_alive


def refused(target: Target, kind: type[TunnelError]) -> TunnelError:
    """Open a tunnel that must be refused; give the error."""
    tunnel = Tunnel(target)
    with pytest.raises(kind) as caught:
        tunnel.open()
    tunnel.close()
    assert type(caught.value) is kind
    return caught.value
