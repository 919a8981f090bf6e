"""From a target to an authenticated SSH connection, or to an error that says what to do.

The order matters: keys and known_hosts are read before anything is sent, the host key is verified
before the user's name leaves us, and no key but those of the target is ever tried. A jump host is
treated as any target: it has keys, and a host key to verify, of its own.
"""

from __future__ import annotations

import shlex
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import paramiko

from tunnels.by_hand import ssh_command
from tunnels.carrier import Jump, Tcp
from tunnels.errors import HandshakeError, HostKeyUnknownError, TunnelError
from tunnels.keyring import Keyring
from tunnels.known_hosts import Host, KnownHosts
from tunnels.log import LOG, SSH_LOG
from tunnels.login import log_in
from tunnels.new_hosts import accept
from tunnels.proxy_command import ProxyCommand
from tunnels.transport import Transport

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tunnels.carrier import Carrier
    from tunnels.specs import Target

_FAST_CIPHERS = ("aes128-gcm@openssh.com", "aes256-gcm@openssh.com")
"""Asked for first: encryption and authentication in one pass, in hardware; paramiko's default (CTR,
then an HMAC) is a quarter slower."""

_RSA_SIGNATURES = ("rsa-sha2-512", "rsa-sha2-256")


def connect(target: Target) -> Transport:
    """Connect, verify the host key, log in; so for every host on the way, too.

    Raises IdentityError, HostKeyError or SshError, which says at which host it happened; nothing
    is left open then.
    """
    known_hosts = KnownHosts(*target.known_hosts_files, may_be_missing=target.accept_new)
    with Keyring(target) as keyring:
        carrier = _reach(target)
        transport = Transport(carrier.socket, carrier.close)
        try:
            _negotiate(transport, target, known_hosts, carrier)
            _verify(transport, target, known_hosts)
            log_in(transport, target, keyring)
        except BaseException:
            transport.end()
            raise
    LOG.info("connected to %s (%s)", target, transport.remote_version)
    return transport


def _reach(target: Target) -> Carrier:
    if target.proxy_command:
        return ProxyCommand(target)
    if target.jump is None:
        return Tcp(target)
    try:
        below = connect(target.jump)
    except TunnelError as error:
        error.at(f"at the jump host {target.jump} of {target}")
        raise
    return Jump(below, target)


def _verify(transport: Transport, target: Target, known_hosts: KnownHosts) -> None:
    host = _known_as(target)
    key = transport.get_remote_server_key().asbytes()
    try:
        known_hosts.verify(host, key)
    except HostKeyUnknownError:
        if not target.accept_new:
            raise
        accept(target.known_hosts_files[0], host, key)


def _known_as(target: Target) -> Host:
    """Name the target as known_hosts does, and the command that asks for its key on the same way.

    HostKeyAlias stands alone, without the port (ssh_config(5)).
    """
    host = Host.at(target.host, target.port)
    jump, alias = target.jump, target.host_key_alias.lower()
    if jump is not None:
        host = replace(host, scan=f"ssh -p {jump.port} {jump.user}@{jump.host} {host.scan}")
    if alias:
        renamed = f"{host.scan} | sed {shlex.quote(f's/^[^ ]*/{alias}/')}"
        host = replace(host, name=alias, also=(), scan=renamed)
    return host


def _negotiate(
    transport: Transport, target: Target, known_hosts: KnownHosts, carrier: Carrier
) -> None:
    transport.set_log_channel(SSH_LOG)
    options = transport.get_security_options()
    options.ciphers = _first(_FAST_CIPHERS, options.ciphers)
    known = known_hosts.key_types(_known_as(target))
    options.key_types = _first(_signatures(known), options.key_types)
    transport.banner_timeout = transport.handshake_timeout = target.connect_timeout
    transport.auth_timeout = target.connect_timeout
    deadline = time.monotonic() + target.connect_timeout
    try:
        transport.start_client(timeout=target.connect_timeout)
    except (paramiko.SSHException, OSError, EOFError) as error:
        raise _handshake_error(target, error, carrier) from error
    # start_client returns without a word when its time is over.
    if not transport.initial_kex_done:
        over = "in time" if time.monotonic() >= deadline else "properly"
        below = carrier.complaint()
        raise HandshakeError(
            f"{target.where} does not finish the SSH handshake {over}"
            + (f": {below}" if below else ""),
            remedy="look at the load and at sshd's log on the host",
        )


def _handshake_error(target: Target, error: Exception, carrier: Carrier) -> HandshakeError:
    where = target.where
    if isinstance(error, paramiko.ssh_exception.IncompatiblePeer):
        return HandshakeError(
            f"{where} and we have no algorithm in common: {error}",
            remedy=f"see what it offers: ssh -vv -p {target.port} {target.host}",
        )
    complaint = carrier.complaint()
    if complaint:
        return HandshakeError(
            f"{where} is not reached: {complaint}",
            remedy=f"try the way by hand: {ssh_command(target)}",
        )
    return HandshakeError(
        f"{where} accepts connections but breaks the SSH handshake off: {error or 'it hung up'}",
        remedy=f"check that it is an sshd, and not at its limit (MaxStartups): "
        f"ssh-keyscan -p {target.port} {target.host}",
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
