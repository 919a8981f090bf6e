"""The private key: read once, never printed, refused when others can read it."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

import paramiko
from paramiko.pkey import UnknownKeyType

from tunnels.errors import (
    IdentityEncryptedError,
    IdentityExposedError,
    IdentityInvalidError,
    IdentityMissingError,
)

if TYPE_CHECKING:
    from pathlib import Path

_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def load_identity(path: Path) -> paramiko.PKey:
    """Read the private key in ``path`` (ed25519, ECDSA or RSA; OpenSSH or PEM format).

    Raises IdentityMissingError, IdentityExposedError (as OpenSSH refuses it: any permission for
    group or others), IdentityEncryptedError or IdentityInvalidError.
    """
    _check_file(path)
    try:
        return paramiko.PKey.from_path(path)
    # cryptography says TypeError, and paramiko the other, when there is no passphrase to try.
    except (TypeError, paramiko.PasswordRequiredException):
        raise IdentityEncryptedError(
            f"the private key {path} asks for a passphrase",
            remedy=f"use a key without one, or take it off: ssh-keygen -p -f {path}",
        ) from None
    # The cause is dropped on purpose: UnknownKeyType carries the content of the file.
    except (ValueError, UnknownKeyType, paramiko.SSHException):
        raise IdentityInvalidError(
            f"{path} holds no private key that can be used (ed25519, ECDSA or RSA)",
            remedy=f"look at it with: ssh-keygen -l -f {path}",
        ) from None


def _check_file(path: Path) -> None:
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
    except OSError as error:
        raise IdentityMissingError(
            f"the private key {path} cannot be read: {error.strerror}",
            remedy=f"check the path and its owner: ls -l {path}",
        ) from error
    if mode & _OTHERS:
        raise IdentityExposedError(
            f"the private key {path} is open to others (mode {stat.S_IMODE(mode):04o})",
            remedy=f"chmod 600 {path}",
        )
