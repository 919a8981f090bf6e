"""The private key files: read, never printed, refused when others can read them.

An encrypted key is asked for on the terminal, once in the life of the process: a passphrase that
was given, or refused, holds for every connection. Three attempts, as OpenSSH grants them.
"""

from __future__ import annotations

import base64
import binascii
import os
import stat
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import paramiko
from paramiko.pkey import UnknownKeyType

from tunnels import passphrase
from tunnels.errors import (
    IdentityEncryptedError,
    IdentityExposedError,
    IdentityInvalidError,
    IdentityMissingError,
)

if TYPE_CHECKING:
    from pathlib import Path

_OTHERS = stat.S_IRWXG | stat.S_IRWXO
_ATTEMPTS = 3
_PUBLIC = (b"ssh-", b"ecdsa-sha2-")

# OpenSSH's PROTOCOL.key, section 1: the public part stands in the clear, behind cipher, KDF and
# KDF options.
_BEGIN, _END = b"-----BEGIN OPENSSH PRIVATE KEY-----", b"-----END OPENSSH PRIVATE KEY-----"
_MAGIC = b"openssh-key-v1\0"


@dataclass(frozen=True)
class Identity:
    """One key file: the key, unless it is locked, and its public part as far as it is known.

    A file that holds a public key alone stands for a private key that an agent has.
    """

    path: Path
    key: paramiko.PKey | None = field(repr=False)
    public: bytes | None = field(repr=False)
    only_public: bool = False

    def unlocked(self) -> paramiko.PKey:
        """Give the key; ask for its passphrase if that was not done yet.

        Raises IdentityEncryptedError.
        """
        return self.key or _UNLOCKED.key(self.path)


def read_identity(path: Path) -> Identity:
    """Read the key in ``path`` (ed25519, ECDSA or RSA; OpenSSH or PEM format).

    Raises IdentityMissingError, IdentityExposedError (as OpenSSH refuses it: any permission for
    group or others) or IdentityInvalidError.
    """
    data, mode = _content(path)
    if data.startswith(_PUBLIC):
        return Identity(path, None, _public_line(data), only_public=True)
    if mode & _OTHERS:
        raise IdentityExposedError(
            f"the private key {path} is open to others (mode {stat.S_IMODE(mode):04o})",
            remedy=f"chmod 600 {path}",
        )
    try:
        key = paramiko.PKey.from_path(path)
    # cryptography says TypeError, and paramiko the other, when there is no passphrase to try.
    except (TypeError, paramiko.PasswordRequiredException):
        return Identity(path, None, _public_part(path, data))
    # The cause is dropped on purpose: UnknownKeyType carries the content of the file.
    except (ValueError, UnknownKeyType, paramiko.SSHException):
        raise IdentityInvalidError(
            f"{path} holds no private key that can be used (ed25519, ECDSA or RSA)",
            remedy=f"look at it with: ssh-keygen -l -f {path}",
        ) from None
    return Identity(path, key, key.asbytes())


def _content(path: Path) -> tuple[bytes, int]:
    try:
        with path.open("rb") as file:
            return file.read(), os.fstat(file.fileno()).st_mode
    except OSError as error:
        raise IdentityMissingError(
            f"the private key {path} cannot be read: {error.strerror}",
            remedy=f"check the path and its owner: ls -l {path}",
        ) from error


class _Unlocked:
    """The encrypted keys that were asked for in this process; None for one that was not given."""

    def __init__(self) -> None:
        self._keys: dict[tuple[int, int, int], paramiko.PKey | None] = {}
        self._lock = threading.Lock()  # also: one question at a time on the terminal

    def key(self, path: Path) -> paramiko.PKey:
        """Give the key in ``path``. Raises IdentityEncryptedError."""
        status = path.stat()
        file = status.st_dev, status.st_ino, status.st_mtime_ns
        with self._lock:
            if file not in self._keys:
                obstacle = passphrase.why_not()
                if obstacle:
                    raise IdentityEncryptedError(
                        f"the private key {path} asks for a passphrase, and {obstacle}",
                        remedy=f"give it to an agent: ssh-add {path}",
                    )
                self._keys[file] = _ask(path)
            key = self._keys[file]
        if key is None:
            raise IdentityEncryptedError(
                f"the private key {path} was not unlocked: no passphrase that fits was given",
                remedy=f"start again, or give it to an agent: ssh-add {path}",
            )
        return key


_UNLOCKED = _Unlocked()


def _ask(path: Path) -> paramiko.PKey | None:
    for _attempt in range(_ATTEMPTS):
        phrase = passphrase.ask(path)
        if not phrase:
            return None
        key = _unlock(path, phrase)
        if key is not None:
            return key
    return None


def _unlock(path: Path, phrase: bytes) -> paramiko.PKey | None:
    """Decrypt; None when ``phrase`` is wrong. Nothing is raised that could carry it along."""
    try:
        # paramiko annotates a str, and hands it to cryptography, which takes bytes alone
        return paramiko.PKey.from_path(path, phrase)  # type: ignore[arg-type]
    except (ValueError, TypeError, UnknownKeyType, paramiko.SSHException, OSError):
        return None


def _public_part(path: Path, data: bytes) -> bytes | None:
    """Find the public part of a locked key: in the file, or in the one with ``.pub`` beside it."""
    inside = data.strip().removeprefix(_BEGIN).removesuffix(_END)
    try:
        blob = base64.b64decode(inside, validate=False)
    except (binascii.Error, ValueError):
        blob = b""
    if blob.startswith(_MAGIC):
        message = paramiko.Message(blob.removeprefix(_MAGIC))
        for _cipher_kdf_options in range(3):
            message.get_binary()
        message.get_int()
        return message.get_binary()
    try:
        return _public_line(path.with_name(f"{path.name}.pub").read_bytes())
    except OSError:
        return None


def _public_line(line: bytes) -> bytes | None:
    """Read ``type base64 comment``."""
    fields = line.split(maxsplit=2)
    try:
        return base64.b64decode(fields[1], validate=True)
    except (IndexError, binascii.Error, ValueError):
        return None
