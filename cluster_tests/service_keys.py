"""Keys of a service's own sshd and of its one client: made for a publication, kept in memory.

The service's host key has to be the same on every node it moves to, and known to the client
beforehand: so it travels with the repository. It identifies a test's read-only sshd, and opens
nothing; it is withdrawn with the branch. The client's private half never leaves this process.
"""

from __future__ import annotations

import io
from dataclasses import dataclass, field

import paramiko
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey


@dataclass(frozen=True)
class ServiceKeys:
    """An Ed25519 key for the service's sshd, and one for its client."""

    host: paramiko.PKey = field(repr=False)
    host_private: str = field(repr=False)
    client: paramiko.PKey = field(repr=False)

    @property
    def authorized_key(self) -> str:
        """The client's public half, as ``authorized_keys`` has it."""
        return f"{self.client.get_name()} {self.client.get_base64()}"


def generate_keys() -> ServiceKeys:
    """Make both keys anew."""
    host_private = new_private_key()
    return ServiceKeys(_load(host_private), host_private, _load(new_private_key()))


def new_private_key() -> str:
    """Generate an Ed25519 key and write its private half as OpenSSH does, without a passphrase."""
    key = Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.OpenSSH,
        serialization.NoEncryption(),
    )
    return key.decode()


def _load(private: str) -> paramiko.PKey:
    return paramiko.Ed25519Key.from_private_key(io.StringIO(private))
