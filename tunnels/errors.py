"""The exception tree of the room. Every error says what failed, and what mends it.

    TunnelError
    ├── SpecError                     a target or a forward that cannot work as it is written
    │   └── SshConfigError            what an ssh_config says for a host cannot be followed
    ├── IdentityError                 the private key
    │   ├── IdentityMissingError      is not there, neither as a file nor in the agent
    │   ├── IdentityExposedError      can be read by others
    │   ├── IdentityEncryptedError    asks for a passphrase that nobody gives
    │   └── IdentityInvalidError      holds no private key that can be used
    ├── HostKeyError                  it is not certain who answers
    │   ├── KnownHostsError           the known_hosts file is missing or cannot be trusted
    │   ├── HostKeyUnknownError       the host is not in known_hosts
    │   ├── HostKeyChangedError       the host is in known_hosts with another key
    │   ├── HostCertificateError      known_hosts has only a certificate authority for the host
    │   └── HostKeyRevokedError       known_hosts says that this key must not be used
    ├── SshError                      there is no SSH connection
    │   ├── UnreachableError          the name, the route or the port
    │   ├── HandshakeError            something answers, but not SSH as we speak it
    │   ├── KeyRefusedError           the server does not let this user in with this key
    │   └── ConnectionLostError       the connection was there, and ended
    ├── ForwardError                  the connection stands, one forward does not
    │   ├── ForwardingForbiddenError  sshd's configuration or the key's options forbid it
    │   ├── FarEndError               nothing can be reached at the far end
    │   ├── NoAnswerError             the far end was reached and does not answer as it must
    │   └── LocalAddressError         the local socket or port cannot be had safely
    └── GroupError                    some tunnels of a group; carries each one's error

Errors of paramiko and of the operating system are translated where they enter; callers of the room
see nothing else. No message holds a key, a passphrase or what travelled through a tunnel.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


class TunnelError(Exception):
    """Base of all: a message, and the command or step that mends it."""

    def __init__(self, message: str, *, remedy: str = "") -> None:
        """Keep ``message`` (what failed, and where) and ``remedy`` (what mends it)."""
        super().__init__(message)
        self.message = message
        self.remedy = remedy

    def at(self, where: str) -> None:
        """Say in front of the message where it happened."""
        self.message = f"{where}: {self.message}"

    def __str__(self) -> str:
        """Print the message, and the remedy on a line of its own."""
        return f"{self.message}\n  to mend it: {self.remedy}" if self.remedy else self.message


class SpecError(TunnelError):
    """A target or a forward cannot work as it is written."""


class SshConfigError(SpecError):
    """What an ssh_config says for a host cannot be followed."""


class IdentityError(TunnelError):
    """The private key cannot be used."""


class IdentityMissingError(IdentityError):
    """There is no private key: no such file, or closed to this user; and none in the agent."""


class IdentityExposedError(IdentityError):
    """The private key file can be read by others."""


class IdentityEncryptedError(IdentityError):
    """The private key file asks for a passphrase that nobody gives."""


class IdentityInvalidError(IdentityError):
    """The file holds no private key that can be used."""


class HostKeyError(TunnelError):
    """It is not certain that the right host answers."""


class KnownHostsError(HostKeyError):
    """The known_hosts file is missing, or says something that must not be passed over."""


class HostKeyUnknownError(HostKeyError):
    """The host is not in known_hosts."""


class HostKeyChangedError(HostKeyError):
    """The host is in known_hosts, with another key."""


class HostCertificateError(HostKeyError):
    """Only a certificate authority is known for the host; host certificates are not supported."""


class HostKeyRevokedError(HostKeyError):
    """The host shows a key that known_hosts marks as revoked."""


class SshError(TunnelError):
    """There is no SSH connection to the target."""


class UnreachableError(SshError):
    """No TCP connection to the target: its name, the route, or nobody listens."""


class HandshakeError(SshError):
    """Something answers, but not SSH as we speak it."""


class KeyRefusedError(SshError):
    """The server does not let this user in with this key."""


class ConnectionLostError(SshError):
    """The connection ended, or was never opened."""


class ForwardError(TunnelError):
    """The connection stands; one forward does not."""


class ForwardingForbiddenError(ForwardError):
    """The server forbids this kind of forward."""


class FarEndError(ForwardError):
    """Nothing can be reached at the forward's far end."""


class NoAnswerError(ForwardError):
    """The far end was reached, and does not answer as it must."""


class LocalAddressError(ForwardError):
    """The local socket or port cannot be had, or not safely."""


class GroupError(TunnelError):
    """Some tunnels of a group failed; carries each one's error."""

    def __init__(self, what: str, failures: Mapping[str, TunnelError]) -> None:
        """Keep every failure, by the name of its tunnel; each is told with its own remedy."""
        told = "\n".join(f"{name}: {error}" for name, error in failures.items())
        super().__init__(f"{what}\n{told}")
        self.failures = dict(failures)
