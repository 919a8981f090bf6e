"""Keys of the lab: generated once into the state directory, never anywhere else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives import serialization

from cluster_tests.errors import LabError
from cluster_tests.fronts.keys import new_private_key

if TYPE_CHECKING:
    from pathlib import Path

    from cluster_tests.lab.plan import LabPlan

# Who holds a key: the operator (the suite), and every node towards the other nodes and the forge.
OPERATOR = "core"
BETWEEN_NODES = "cluster"


@dataclass(frozen=True)
class KeyPair:
    """An Ed25519 key on disk: the private half in ``path``, OpenSSH's formats for both."""

    path: Path

    @property
    def private(self) -> bytes:
        """The private half as OpenSSH writes it."""
        return self.path.read_bytes()

    @property
    def public(self) -> str:
        """The public half: ``ssh-ed25519 <base64>``."""
        key = serialization.load_ssh_private_key(self.private, password=None)
        form = serialization.PublicFormat.OpenSSH
        return key.public_key().public_bytes(serialization.Encoding.OpenSSH, form).decode()


def private_directory(path: Path) -> Path:
    """Make ``path`` a directory that nobody else can enter."""
    path.mkdir(parents=True, exist_ok=True)
    path.chmod(0o700)
    return path


def key_pair(directory: Path, name: str) -> KeyPair:
    """Return the key called ``name``, generated on first use.

    Raises LabError when the file is there but holds no key.
    """
    path = private_directory(directory) / name
    if not path.exists():
        _generate(path)
    pair = KeyPair(path)
    try:
        _ = pair.public
    except ValueError as error:
        raise LabError(f"{path} holds no usable key: {error}", remedy=f"rm {path}") from error
    return pair


def _generate(path: Path) -> None:
    """Write a new key under another name first: a killed run must not leave half a key."""
    fresh = path.with_suffix(".new")
    fresh.touch(mode=0o600)
    fresh.chmod(0o600)
    fresh.write_text(new_private_key())
    fresh.replace(path)


def generate_keys(plan: LabPlan) -> None:
    """Generate every key that is missing, before threads ask for them side by side."""
    for name in (OPERATOR, BETWEEN_NODES):
        key_pair(plan.keys, name)
    for host in plan.hosts:
        host_key(plan.keys, host)


def host_key(directory: Path, host: str) -> KeyPair:
    """Return the key that ``host``'s sshd identifies itself with."""
    return key_pair(directory, f"host_{host}")
