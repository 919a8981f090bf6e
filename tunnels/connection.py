"""From a target to an authenticated SSH connection, or to an error that says what to do.

The order matters: the key file and known_hosts are read before anything is sent, the host key is
verified before the user's name leaves us, and nothing but the one key is ever tried.
"""

from __future__ import annotations

import socket
import time
from typing import TYPE_CHECKING

import paramiko

from tunnels.errors import (
    HandshakeError,
    KeyRefusedError,
    UnreachableError,
)
from tunnels.identity import load_identity
from tunnels.known_hosts import KnownHosts
from tunnels.log import LOG, SSH_LOG
from tunnels.transport import Transport

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tunnels.specs import Target

_FAST_CIPHERS = ("aes128-gcm@openssh.com", "aes256-gcm@openssh.com")
"""Asked for first: encryption and authentication in one pass, in hardware; paramiko's default (CTR,
then an HMAC) is a quarter slower."""

_RSA_SIGNATURES = ("rsa-sha2-512", "rsa-sha2-256")


def connect(target: Target) -> Transport:
    """Connect, verify the host key, log in.

    Raises IdentityError, HostKeyError or SshError; nothing is left open then.
    """
    identity = load_identity(target.identity_file)
    known_hosts = KnownHosts(target.known_hosts)
    transport = Transport(_reach(target))
    try:
        _negotiate(transport, target, known_hosts)
        key = transport.get_remote_server_key().asbytes()
        known_hosts.verify(target.host, target.port, key)
        _log_in(transport, target, identity)
    except BaseException:
        transport.end()
        raise
    LOG.info("connected to %s (%s)", target, transport.remote_version)
    return transport


def _reach(target: Target) -> socket.socket:
    where = f"{target.host}:{target.port}"
    try:
        sock = socket.create_connection((target.host, target.port), target.connect_timeout)
    # UnicodeError: not even a name, such as one with two dots in a row.
    except (socket.gaierror, UnicodeError) as error:
        raise UnreachableError(
            f"{where}: the name does not resolve ({error})",
            remedy=f"check the host's name: getent hosts {target.host}",
        ) from error
    except ConnectionRefusedError as error:
        raise UnreachableError(
            f"{where} refuses connections: no sshd listens there",
            remedy=f"start sshd on {target.host}, or correct the port",
        ) from error
    except TimeoutError as error:
        raise UnreachableError(
            f"{where} does not answer within {target.connect_timeout:g} s",
            remedy=f"check that the host is up and no firewall drops the packets: "
            f"nc -vz {target.host} {target.port}",
        ) from error
    except OSError as error:
        raise UnreachableError(
            f"{where} cannot be reached: {error.strerror}",
            remedy=f"check the route: ip route get {target.host}",
        ) from error
    # Nagle's algorithm would hold a small request back until the last one is acknowledged: 40 ms.
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock


def _negotiate(transport: Transport, target: Target, known_hosts: KnownHosts) -> None:
    transport.set_log_channel(SSH_LOG)
    options = transport.get_security_options()
    options.ciphers = _first(_FAST_CIPHERS, options.ciphers)
    known = known_hosts.key_types(target.host, target.port)
    options.key_types = _first(_signatures(known), options.key_types)
    transport.banner_timeout = transport.handshake_timeout = target.connect_timeout
    transport.auth_timeout = target.connect_timeout
    deadline = time.monotonic() + target.connect_timeout
    try:
        transport.start_client(timeout=target.connect_timeout)
    except (paramiko.SSHException, OSError, EOFError) as error:
        raise _handshake_error(target, error) from error
    # start_client returns without a word when its time is over.
    if not transport.initial_kex_done:
        over = "in time" if time.monotonic() >= deadline else "properly"
        raise HandshakeError(
            f"{target.host}:{target.port} does not finish the SSH handshake {over}",
            remedy="look at the load and at sshd's log on the host",
        )


def _handshake_error(target: Target, error: Exception) -> HandshakeError:
    where = f"{target.host}:{target.port}"
    if isinstance(error, paramiko.ssh_exception.IncompatiblePeer):
        return HandshakeError(
            f"{where} and we have no algorithm in common: {error}",
            remedy=f"see what it offers: ssh -vv -p {target.port} {target.host}",
        )
    return HandshakeError(
        f"{where} accepts connections but breaks the SSH handshake off: {error or 'it hung up'}",
        remedy=f"check that it is an sshd, and not at its limit (MaxStartups): "
        f"ssh-keyscan -p {target.port} {target.host}",
    )


def _log_in(transport: Transport, target: Target, identity: paramiko.PKey) -> None:
    try:
        more = transport.auth_publickey(target.user, identity)
    except paramiko.AuthenticationException as error:
        raise _refused(target, str(error)) from error
    except (paramiko.SSHException, OSError, EOFError) as error:
        raise HandshakeError(
            f"{target}: the connection broke off during the login: {error or 'sshd hung up'}",
            remedy=f"look at sshd's log on {target.host}",
        ) from error
    if more:
        raise _refused(target, f"it also asks for {', '.join(more)}")


def _refused(target: Target, why: str) -> KeyRefusedError:
    return KeyRefusedError(
        f"{target} does not let the key {target.identity_file} in: {why.rstrip('.')}",
        remedy=f"put its public part there: ssh-copy-id -i {target.identity_file} "
        f"-p {target.port} {target.user}@{target.host}; if it is there, sshd's log says why",
    )


def _first(preferred: Iterable[str], offered: Iterable[str]) -> tuple[str, ...]:
    """Move what is preferred, of what is offered, to the front."""
    offered = tuple(offered)
    front = tuple(name for name in preferred if name in offered)
    return front + tuple(name for name in offered if name not in front)


def _signatures(key_types: Iterable[str]) -> list[str]:
    """Name the signature algorithms of host keys; an RSA key has two (RFC 8332)."""
    names: list[str] = []
    for key_type in key_types:
        names += _RSA_SIGNATURES if key_type == "ssh-rsa" else [key_type]
    return names
