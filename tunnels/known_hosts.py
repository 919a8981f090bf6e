"""Who may answer: the known_hosts files, read as OpenSSH reads them.

The format is sshd(8), "SSH_KNOWN_HOSTS FILE FORMAT": plain, hashed and ``[host]:port`` names, ``*``
and ``?`` patterns, ``!`` to take names out, and the marker ``@revoked``. paramiko's own reader is
not used: it passes over the markers, so that a revoked key would do, and it knows no patterns.
Host certificates are not supported, plain keys are: where ``@cert-authority`` lines are all that
speaks of a host, that is said.
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
    HostCertificateError,
    HostKeyChangedError,
    HostKeyRevokedError,
    HostKeyUnknownError,
    KnownHostsError,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
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
    path: Path
    line: int

    @property
    def place(self) -> str:
        """Say where it stands."""
        return f"{self.path} (line {self.line})"

    def speaks_of(self, name: str) -> bool:
        """Tell whether ``name`` (``host`` or ``[host]:port``) is named, and not taken out."""
        if any(_matches(pattern[1:], name) for pattern in self.names if pattern.startswith("!")):
            return False
        return any(_matches(pattern, name) for pattern in self.names)


@dataclass(frozen=True)
class Host:
    """A host as known_hosts names it, and the command that shows the keys it has."""

    name: str
    also: tuple[str, ...] = ()
    scan: str = ""

    @classmethod
    def at(cls, host: str, port: int) -> Host:
        """Name ``host`` (lower case) as OpenSSH does: ``[host]:port``, unless the port is 22.

        What is not listed with its port is looked up without it.
        """
        host = host.lower()
        if port == _SSH_PORT:
            return cls(host, (), f"ssh-keyscan {host}")
        return cls(f"[{host}]:{port}", (host,), f"ssh-keyscan -p {port} {host}")


class KnownHosts:
    """The keys that hosts are known by. Raises KnownHostsError when a file cannot be trusted."""

    def __init__(self, *paths: Path, may_be_missing: bool = False) -> None:
        """Read ``paths``; of several, and with ``may_be_missing``, some may not exist."""
        self.path = paths[0]
        texts = {path: text for path in paths if (text := _text(path)) is not None}
        if not texts and not may_be_missing:
            told = f"the known_hosts file {self.path} cannot be read: there is no such file"
            raise KnownHostsError(
                told if len(paths) == 1 else f"{told}, nor any of {', '.join(map(str, paths[1:]))}",
                remedy=f"make it, with the host keys you trust: ls -l {self.path}",
            )
        self._entries = [entry for path, text in texts.items() for entry in parse(text, path)]

    def key_types(self, host: Host) -> list[str]:
        """List the types of the keys known for the host: the server is asked for these first."""
        revoked = {entry.key for entry in self._about(host, _REVOKED)}
        known = [entry for entry in self._about(host) if entry.key not in revoked]
        return list(dict.fromkeys(entry.key_type for entry in known))

    def verify(self, host: Host, key: bytes) -> None:
        """Check that the host may show ``key`` (its public part, as it travels in RFC 4253).

        Raises HostKeyRevokedError, HostKeyChangedError, HostCertificateError or
        HostKeyUnknownError.
        """
        self._check_revoked(host, key)
        known = self._plain(host.name)
        if any(entry.key == key for entry in known):
            return
        if known:
            raise self._changed(host, key, known[0])
        if not any(entry.key == key for name in host.also for entry in self._plain(name)):
            self._check_authority(host, key)
            raise HostKeyUnknownError(
                f"{host.name} is not in {self.path}; it shows the host key {fingerprint(key)}",
                remedy="compare the fingerprint with the host's own, then: "
                f"{host.scan} >> {self.path}",
            )

    def _plain(self, name: str) -> list[Entry]:
        return [entry for entry in self._entries if not entry.marker and entry.speaks_of(name)]

    def _about(self, host: Host, marker: str = "") -> Iterator[Entry]:
        for name in (host.name, *host.also):
            for entry in self._entries:
                if entry.marker == marker and entry.speaks_of(name):
                    yield entry

    def _changed(self, host: Host, key: bytes, known: Entry) -> HostKeyChangedError:
        return HostKeyChangedError(
            f"{host.name} shows the host key {fingerprint(key)}, but {known.place} knows it by "
            f"{fingerprint(known.key)}: somebody may be in between",
            remedy=f"only if you know why it changed: ssh-keygen -f {known.path} -R '{host.name}' "
            f"&& {host.scan} >> {known.path}",
        )

    def _check_revoked(self, host: Host, key: bytes) -> None:
        for entry in self._about(host, _REVOKED):
            if entry.key == key:
                raise HostKeyRevokedError(
                    f"{host.name} shows the host key {fingerprint(key)}, which {entry.place} marks "
                    "as revoked",
                    remedy="give the host a new key, and known_hosts that key",
                )

    def _check_authority(self, host: Host, key: bytes) -> None:
        for entry in self._about(host, _AUTHORITY):
            raise HostCertificateError(
                f"{host.name} shows the plain host key {fingerprint(key)}, and {entry.place} knows "
                "only a certificate authority for it: host certificates are not supported",
                remedy="compare the fingerprint with the host's own, then add its plain key: "
                f"{host.scan} >> {self.path}",
            )


def _text(path: Path) -> str | None:
    """Read a file; None when it does not exist, which is no secret kept from us."""
    try:
        return path.read_text(encoding="utf-8", errors="surrogateescape")
    except FileNotFoundError:
        return None
    except OSError as error:
        raise KnownHostsError(
            f"the known_hosts file {path} cannot be read: {error.strerror}",
            remedy=f"give this user the right to read it: ls -l {path}",
        ) from error


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
            names = tuple(fields[0].split(","))
            entries.append(Entry(marker, names, fields[1], key, path, number))
    return entries


def _decode(text: str) -> bytes | None:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None


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
