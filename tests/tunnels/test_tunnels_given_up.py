"""What a person must look at is not tried again, and told to whoever uses the tunnel."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import pytest
from alive_helpers import await_state
from far_ends import dial

from cluster_tests.bench.sshd import make_key
from tunnels import SocketForward, State, TcpForward
from tunnels import line as line_module
from tunnels.errors import HostKeyChangedError, IdentityMissingError, KeyRefusedError, TunnelError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from cluster_tests.bench.sshd import Sshd
    from tunnels import Tunnel

pytest_plugins = ["tunnel_fixtures", "alive_fixtures"]
pytestmark = pytest.mark.usefixtures("leaves_nothing")


@pytest.fixture
def own_sshd(make_sshd: Callable[..., Sshd]) -> Sshd:
    return make_sshd(host_keys=("ed25519", "ecdsa"))


@pytest.fixture
def near(tunnel: Tunnel, tmp_path: Path, socket_far_end: Callable[..., str]) -> Path:
    return tunnel.forward(SocketForward(socket_far_end(), tmp_path / "near" / "s.sock"))


def assert_given_up(tunnel: Tunnel, near: Path, kind: type[TunnelError]) -> None:
    await_state(tunnel, State.GIVEN_UP)
    assert isinstance(tunnel.health.error, kind)
    with dial(near) as client:
        assert client.recv(1) == b""
    for use in (
        lambda: tunnel.connect("localhost", 80),
        lambda: tunnel.forward(TcpForward("localhost", 80)),
    ):
        with pytest.raises(kind) as caught:
            use()
        assert caught.value.remedy == tunnel.health.error.remedy
    assert not tunnel.is_alive


def test_a_host_key_that_changed(
    own_sshd: Sshd, tunnel: Tunnel, near: Path, caplog: pytest.LogCaptureFixture
) -> None:
    own_sshd.stop()
    await_state(tunnel, State.RECONNECTING)
    own_sshd.host_keys = [make_key(own_sshd.directory / "new", "-t", "ed25519")]
    own_sshd.start()
    assert_given_up(tunnel, near, HostKeyChangedError)
    assert own_sshd.counted("Connection from", 2) == 2  # the first, and one that was not trusted
    assert own_sshd.counted("Accepted publickey", 1) == 1
    assert len([m for m in caplog.messages if "is given up: " in m]) == 1


def test_a_key_that_is_no_longer_accepted(own_sshd: Sshd, tunnel: Tunnel, near: Path) -> None:
    (own_sshd.directory / "authorized_keys").write_text("")
    own_sshd.signal_sessions(signal.SIGKILL)
    assert_given_up(tunnel, near, KeyRefusedError)
    assert own_sshd.counted("Connection from", 2) == 2


def test_a_key_file_that_is_gone(own_sshd: Sshd, tunnel: Tunnel, near: Path) -> None:
    own_sshd.identity.unlink()
    own_sshd.signal_sessions(signal.SIGKILL)
    assert_given_up(tunnel, near, IdentityMissingError)


def test_a_mistake_of_our_own_while_keeping_it(
    own_sshd: Sshd, tunnel: Tunnel, near: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_target: object) -> None:
        raise ZeroDivisionError("our mistake")

    monkeypatch.setattr(line_module, "connect", broken)
    own_sshd.signal_sessions(signal.SIGKILL)
    assert_given_up(tunnel, near, TunnelError)
    assert "our mistake" in str(tunnel.health.error)


def test_who_waits_when_it_is_given_up_is_refused(
    own_sshd: Sshd, tunnel: Tunnel, near: Path
) -> None:
    own_sshd.stop()
    await_state(tunnel, State.RECONNECTING)
    with dial(near) as client:
        (own_sshd.directory / "authorized_keys").write_text("")
        own_sshd.start()
        assert client.recv(1) == b""
    await_state(tunnel, State.GIVEN_UP)
