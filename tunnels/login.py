"""The login: one key after another, until the server lets us in or nothing is left."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

import paramiko

from tunnels.by_hand import way
from tunnels.errors import HandshakeError, IdentityEncryptedError, KeyRefusedError

if TYPE_CHECKING:
    from tunnels.keyring import Keyring, Offer
    from tunnels.specs import Target
    from tunnels.transport import Transport


def log_in(transport: Transport, target: Target, keyring: Keyring) -> None:
    """Offer the keys in turn. Raises KeyRefusedError or HandshakeError."""
    refusals = []
    for offer in keyring.offers:
        why = _try(transport, target, offer)
        if why is None:
            return
        refusals.append(f"{offer.told}: {why.rstrip('.')}")
    raise _refused(target, refusals)


def _try(transport: Transport, target: Target, offer: Offer) -> str | None:
    """Offer one key; None when it opens, else why it does not."""
    try:
        key = offer.key()
    except IdentityEncryptedError as error:
        return error.message
    try:
        more = transport.auth_publickey(target.user, key)
    except paramiko.AuthenticationException as error:
        if transport.is_active():
            return str(error)
        raise _broken(target, offer, error) from error
    except (paramiko.SSHException, OSError, EOFError) as error:
        raise _broken(target, offer, error) from error
    return f"it also asks for {', '.join(more)}" if more else None


def _broken(target: Target, offer: Offer, error: Exception) -> HandshakeError:
    return HandshakeError(
        f"{target}: the connection broke off during the login with {offer.told}: "
        f"{error or 'sshd hung up'}",
        remedy=f"look at sshd's log on {target.host}; where it says that there were too many "
        "attempts, name one key (IdentityFile) and say IdentitiesOnly yes",
    )


def _refused(target: Target, refusals: list[str]) -> KeyRefusedError:
    what = "the key" if len(refusals) == 1 else f"any of {len(refusals)} keys"
    file = target.identity_files[0] if target.identity_files else "FILE"
    words = ["ssh-copy-id", "-i", str(file), "-p", str(target.port), *way(target)]
    words.append(f"{target.user}@{target.host}")
    return KeyRefusedError(
        f"{target} does not let {what} in: {'; '.join(refusals)}",
        remedy=f"put its public part there: {shlex.join(words)}; if it is there, sshd's log says "
        "why",
    )
