"""Keys of a service's own SSH server and of its one client, and its certificate, in memory.

All are made anew for a publication. The service's host key has to be the same on every node it
moves to, and known to the client beforehand: so it travels with the repository. It identifies a
test's read-only server, and opens nothing; it is withdrawn with the branch. The client's private
half never leaves this process.
"""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import paramiko
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.x509.oid import NameOID

# A run takes minutes; clocks may differ.
_VALIDITY, _SKEW = timedelta(days=2), timedelta(days=1)


@dataclass(frozen=True)
class ServiceKeys:
    """An Ed25519 key for the service's SSH server, and one for its client."""

    host: paramiko.PKey = field(repr=False)
    host_private: str = field(repr=False)
    client: paramiko.PKey = field(repr=False)

    @property
    def authorized_key(self) -> str:
        """The client's public half, as ``authorized_keys`` has it."""
        return f"{self.client.get_name()} {self.client.get_base64()}"


@dataclass(frozen=True)
class Certificate:
    """A certificate that vouches for itself, and its private key, both in PEM."""

    public: str
    private: str = field(repr=False)


def generate_certificate(domain: str) -> Certificate:
    """Make a certificate for ``domain`` and the domains one level below it.

    Who trusts this one certificate can check that nothing else answers. The extensions are those
    that RFC 5280 asks of a certificate that signs itself; Python 3.13 insists on them.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "cluster-tests")])
    now = datetime.now(UTC)
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    alternatives = [x509.DNSName(domain), x509.DNSName(f"*.{domain}")]
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - _SKEW)
        .not_valid_after(now + _VALIDITY)
        .add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(identifier, critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier),
            critical=False,
        )
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    public = certificate.public_bytes(serialization.Encoding.PEM)
    return Certificate(public.decode(), private.decode())


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
