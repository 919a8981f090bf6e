"""Which keys are tried: those of several files, and those of a real ssh-agent."""

from __future__ import annotations

import os
import signal
import subprocess
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from opening import opens, refused

from cluster_tests.bench.sshd import make_key
from tunnels.errors import (
    HandshakeError,
    IdentityEncryptedError,
    IdentityMissingError,
    KeyRefusedError,
    SpecError,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from cluster_tests.bench.sshd import Sshd

pytest_plugins = ["tunnel_fixtures"]
pytestmark = pytest.mark.usefixtures("leaves_nothing", "no_terminal")


@dataclass
class Agent:
    """A running ssh-agent."""

    socket: Path
    pid: int

    def add(self, key: Path, *options: str) -> None:
        subprocess.run(
            ["ssh-add", "-q", *options, str(key)],
            check=True,
            env={**os.environ, "SSH_AUTH_SOCK": str(self.socket)},
        )


@contextmanager
def running_agent(path: Path) -> Iterator[Agent]:
    """Run an ssh-agent in the foreground; it says on stdout when it listens."""
    with subprocess.Popen(
        ["ssh-agent", "-D", "-a", str(path)], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert "SSH_AUTH_SOCK" in process.stdout.readline()
        yield Agent(path, process.pid)
        process.terminate()


@pytest.fixture
def agent(tmp_path: Path) -> Iterator[Agent]:
    with running_agent(tmp_path / "agent") as running:
        yield running


# --- several files


def test_the_second_key_opens_when_the_first_does_not(sshd: Sshd, tmp_path: Path) -> None:
    stranger = make_key(tmp_path / "stranger")
    opens(sshd.target(identity_file=(stranger, sshd.identity)))


def test_a_missing_file_is_passed_over_while_there_is_another(sshd: Sshd, tmp_path: Path) -> None:
    opens(sshd.target(identity_file=(tmp_path / "none", sshd.identity)))


def test_all_files_are_missing(sshd: Sshd, tmp_path: Path) -> None:
    paths = (tmp_path / "none", tmp_path / "nor this")
    error = refused(sshd.target(identity_file=paths), IdentityMissingError)
    assert all(str(path) in error.message for path in paths)


def test_every_key_that_was_refused_is_named(sshd: Sshd, tmp_path: Path) -> None:
    keys = tuple(make_key(tmp_path / name) for name in ("one", "two"))
    error = refused(sshd.target(identity_file=keys), KeyRefusedError)
    assert "any of 2 keys" in error.message
    assert all(str(key) in error.message for key in keys)


def test_too_many_keys_for_the_server(make_sshd: Callable[..., Sshd], tmp_path: Path) -> None:
    sshd = make_sshd("MaxAuthTries 2")
    keys = tuple(make_key(tmp_path / name) for name in ("one", "two", "three"))
    error = refused(sshd.target(identity_file=(*keys, sshd.identity)), HandshakeError)
    assert "IdentitiesOnly" in error.remedy


def test_neither_file_nor_agent(sshd: Sshd) -> None:
    with pytest.raises(SpecError, match="neither a key file nor an agent"):
        sshd.target(identity_file=())


# --- the agent


@pytest.mark.parametrize(
    "options", [("-t", "ed25519"), ("-t", "ecdsa", "-b", "521"), ("-t", "rsa")], ids=lambda o: o[1]
)
def test_a_key_of_the_agent_opens(
    make_sshd: Callable[..., Sshd], agent: Agent, tmp_path: Path, options: tuple[str, ...]
) -> None:
    # SHA-1 is what an RSA key must not sign with
    sshd = make_sshd("PubkeyAcceptedAlgorithms -ssh-rsa")
    key = make_key(tmp_path / "key", *options)
    sshd.let_in(key)
    agent.add(key)
    key.unlink()
    opens(sshd.target(identity_file=(), agent=agent.socket))


def test_an_encrypted_key_in_the_agent_is_not_asked_for(
    make_sshd: Callable[..., Sshd], agent: Agent, tmp_path: Path
) -> None:
    sshd = make_sshd()
    for kind in (("-t", "ed25519"), ("-t", "ecdsa", "-m", "PEM")):
        key = make_key(tmp_path / kind[1], *kind)
        sshd.let_in(key)
        agent.add(key)
        subprocess.run(
            ["ssh-keygen", "-q", "-p", "-P", "", "-N", "a phrase", "-f", str(key)],
            check=True,
            stdout=subprocess.DEVNULL,
        )
        target = sshd.target(identity_file=key, agent=agent.socket, identities_only=True)
        refused(sshd.target(identity_file=key), IdentityEncryptedError)
        opens(target)


def test_the_named_key_comes_before_the_agents_other_keys(
    make_sshd: Callable[..., Sshd], agent: Agent, tmp_path: Path
) -> None:
    sshd = make_sshd("MaxAuthTries 1")
    for name in ("one", "two"):
        agent.add(make_key(tmp_path / name))
    agent.add(sshd.identity)
    opens(sshd.target(agent=agent.socket))
    refused(sshd.target(identity_file=(), agent=agent.socket), HandshakeError)


def test_the_agents_keys_come_before_those_that_files_alone_have(
    make_sshd: Callable[..., Sshd], agent: Agent, tmp_path: Path
) -> None:
    sshd = make_sshd("MaxAuthTries 1")
    agent.add(sshd.identity)
    opens(sshd.target(identity_file=make_key(tmp_path / "stranger"), agent=agent.socket))


def test_a_public_key_that_the_agent_has_not(sshd: Sshd, agent: Agent, tmp_path: Path) -> None:
    public = make_key(tmp_path / "key").with_name("key.pub")
    target = sshd.target(identity_file=public, agent=agent.socket)
    error = refused(target, IdentityMissingError)
    assert "no key to log in with" in error.message


def test_a_public_key_names_one_of_the_agent(
    make_sshd: Callable[..., Sshd], agent: Agent, tmp_path: Path
) -> None:
    sshd = make_sshd()
    agent.add(make_key(tmp_path / "another"))
    agent.add(sshd.identity)
    public = sshd.identity.with_name("identity.pub")
    opens(sshd.target(identity_file=public, agent=agent.socket, identities_only=True))
    target = sshd.target(
        identity_file=tmp_path / "another.pub", agent=agent.socket, identities_only=True
    )
    refused(target, KeyRefusedError)


def test_identities_only_keeps_the_agents_other_keys_back(
    make_sshd: Callable[..., Sshd], agent: Agent, tmp_path: Path
) -> None:
    sshd = make_sshd()
    agent.add(sshd.identity)
    stranger = make_key(tmp_path / "stranger")
    target = sshd.target(identity_file=stranger, agent=agent.socket, identities_only=True)
    error = refused(target, KeyRefusedError)
    assert "the key in" in error.message
    opens(sshd.target(identity_file=stranger, agent=agent.socket))


def test_an_agent_that_is_gone(sshd: Sshd, tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    opens(sshd.target(agent=gone))
    error = refused(sshd.target(identity_file=(), agent=gone), IdentityMissingError)
    assert f"the agent at {gone} does not answer: " in error.message
    assert "ssh-add" in error.remedy


def test_an_agent_without_keys(sshd: Sshd, agent: Agent) -> None:
    error = refused(sshd.target(identity_file=(), agent=agent.socket), IdentityMissingError)
    assert "no key to log in with" in error.message


def test_an_agent_that_hangs(sshd: Sshd, tmp_path: Path) -> None:
    path = tmp_path / "hanging"
    with running_agent(path) as hanging:
        hanging.add(sshd.identity)
        os.kill(hanging.pid, signal.SIGSTOP)
        target = sshd.target(identity_file=(), agent=path, connect_timeout=0.3)
        error = refused(target, IdentityMissingError)
        os.kill(hanging.pid, signal.SIGCONT)
    assert "timed out" in error.message
