"""Fixtures: a server that a test may break, and a tunnel to it that soon notices.

Named in a test file's ``pytest_plugins``, behind ``tunnel_fixtures``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from alive_helpers import QUICK

from tunnels import Tunnel

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from cluster_tests.bench.sshd import Sshd


@pytest.fixture
def own_sshd(make_sshd: Callable[..., Sshd]) -> Sshd:
    """A server that only this test uses, and may break."""
    return make_sshd()


@pytest.fixture
def tunnel(leaves_nothing: None, own_sshd: Sshd) -> Iterator[Tunnel]:  # noqa: ARG001 - the order
    with Tunnel(own_sshd.target(**QUICK)) as tunnel:
        yield tunnel
