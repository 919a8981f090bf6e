"""Who may answer: the known_hosts file, read as OpenSSH reads it.

The format is sshd(8), "SSH_KNOWN_HOSTS FILE FORMAT": plain, hashed and ``[host]:port`` names, ``*``
and ``?`` patterns, ``!`` to take names out, and the marker ``@revoked``. paramiko's own reader is
not used: it passes over the markers, so that a revoked key would do, and it knows no patterns.
``@cert-authority`` lines are passed over: host certificates are not supported, plain keys are.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tunnels.errors import (
    HostKeyChangedError,
    HostKeyRevokedError,
    HostKeyUnknownError,
    KnownHostsError,
)

if TYPE_CHECKING:
    from pathlib import Path

_SSH_PORT = 22
_REVOKED = "@revoked"
_AUTHORITY = "@cert-authority"
_FIELDS = 3  # names, key type, key


@dataclass(frozen=True)
class Entry:
    """One line: the names it speaks of, the key's type and the key itself."""

    marker: str
    names: tuple[str, ...]
    key_type: str
    key: bytes
    line: int

    def speaks_of(self, name: str) -> bool:
        """Tell whether ``name`` (``host`` or ``[host]:port``) is named, and not taken out."""
        if any(_matches(pattern[1:], name) for pattern in self.names if pattern.startswith("!")):
            return False
        return any(_matches(pattern, name) for pattern in self.names)


class KnownHosts:
    """The keys that hosts are known by. Raises KnownHostsError when the file cannot be trusted."""

    def __init__(self, path: Path) -> None:
        """Read ``path``."""
        self.path = path
        try:
            text = path.read_text(encoding="utf-8", errors="surrogateescape")
        except OSError as error:
            raise KnownHostsError(
                f"the known_hosts file {path} cannot be read: {error.strerror}",
                remedy=f"make it, with the host keys you trust: ls -l {path}",
            ) from error
        self._entries = parse(text, path)

    def key_types(self, host: str, port: int) -> list[str]:
        """List the types of the keys known for the host: the server is asked for these first."""
        known = [entry for name in _names(host, port) for entry in self._plain(name)]
        return list(dict.fromkeys(entry.key_type for entry in known))

    def verify(self, host: str, port: int, key: bytes) -> None:
        """Check that the host may show ``key`` (its public part, as it travels in RFC 4253).

        A name with a port other than 22 is looked up with its port and, when that is not listed,
        without it, as OpenSSH does. Raises HostKeyRevokedError, HostKeyChangedError or
        HostKeyUnknownError.
        """
        name, *others = _names(host, port)
        self._check_revoked((name, *others), key)
        known = self._plain(name)
        if any(entry.key == key for entry in known):
            return
        if known:
            raise HostKeyChangedError(
                f"{name} shows the host key {fingerprint(key)}, but {self.path} (line "
                f"{known[0].line}) knows it by {fingerprint(known[0].key)}: somebody may be in "
                "between",
                remedy=f"only if you know why it changed: ssh-keygen -f {self.path} -R '{name}' "
                f"&& {self._scan(host, port)}",
            )
        if not any(entry.key == key for other in others for entry in self._plain(other)):
            raise HostKeyUnknownError(
                f"{name} is not in {self.path}; it shows the host key {fingerprint(key)}",
                remedy="compare the fingerprint with the host's own, then: "
                f"{self._scan(host, port)}",
            )

    def _plain(self, name: str) -> list[Entry]:
        return [entry for entry in self._entries if not entry.marker and entry.speaks_of(name)]

    def _check_revoked(self, names: tuple[str, ...], key: bytes) -> None:
        for entry in self._entries:
            named = any(entry.speaks_of(name) for name in names)
            if entry.marker == _REVOKED and named and entry.key == key:
                raise HostKeyRevokedError(
                    f"{names[0]} shows the host key {fingerprint(key)}, which {self.path} (line "
                    f"{entry.line}) marks as revoked",
                    remedy="give the host a new key, and known_hosts that key",
                )

    def _scan(self, host: str, port: int) -> str:
        return f"ssh-keyscan -p {port} {host} >> {self.path}"


def fingerprint(key: bytes) -> str:
    """Print a public key as ``ssh-keygen -l`` does: ``SHA256:`` and unpadded base64."""
    digest = hashlib.sha256(key).digest()
    return "SHA256:" + base64.b64encode(digest).decode().rstrip("=")


def parse(text: str, path: Path) -> list[Entry]:
    """Read the lines of a known_hosts file; lines that hold no key are passed over, as by OpenSSH.

    Raises KnownHostsError for a marker that is not known: it may well forbid what would be done.
    """
    entries = []
    for number, line in enumerate(text.splitlines(), start=1):
        fields = line.split()
        if not fields or fields[0].startswith("#"):
            continue
        marker = fields.pop(0) if fields[0].startswith("@") else ""
        if marker not in {"", _REVOKED, _AUTHORITY}:
            raise KnownHostsError(
                f"{path} line {number}: the marker {marker} is not supported",
                remedy=f"remove the line: sed -i {number}d {path}",
            )
        if len(fields) >= _FIELDS and (key := _decode(fields[2])) is not None:
            entries.append(Entry(marker, tuple(fields[0].split(",")), fields[1], key, number))
    return entries


def _decode(text: str) -> bytes | None:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None


def _names(host: str, port: int) -> list[str]:
    host = host.lower()
    return [host] if port == _SSH_PORT else [f"[{host}]:{port}", host]


def _matches(pattern: str, name: str) -> bool:
    if pattern.startswith("|1|"):
        return _matches_hash(pattern, name)
    # Not fnmatch: the brackets of [host]:port stand for themselves.
    parts = [{"*": ".*", "?": "."}.get(char, re.escape(char)) for char in pattern.lower()]
    return re.fullmatch("".join(parts), name) is not None


def _matches_hash(pattern: str, name: str) -> bool:
    """Compare with ``|1|salt|hash``: HMAC-SHA1 of the name, keyed by the salt."""
    salt, _, hashed = pattern.removeprefix("|1|").partition("|")
    key, expected = _decode(salt), _decode(hashed)
    if key is None or expected is None:
        return False
    found = hmac.new(key, name.encode(errors="surrogateescape"), hashlib.sha1).digest()
    return hmac.compare_digest(found, expected)
