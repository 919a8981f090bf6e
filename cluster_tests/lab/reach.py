"""Whether a lab host can be reached at its own address, and not by its published ports alone.

Where the engine runs on this machine it can; Docker Desktop keeps its containers' network to
itself.
"""

from __future__ import annotations

import socket
from contextlib import closing

import paramiko

_SSH_PORT = 22
# Seconds for one host, which is up and near by: where no route leads, the first packet is lost.
_PATIENCE = 2.0


def hindrance(address: str, identity: str, port: int = _SSH_PORT) -> str | None:
    """Tell what keeps this machine from reaching a host at ``address``; None where nothing does.

    Whoever answers there must show the host's key, ``identity`` (``ssh-ed25519 <base64>``): another
    network of this machine's may have the same addresses.
    """
    try:
        shown = _shown_at(address, port)
    except (OSError, EOFError, paramiko.SSHException) as error:
        return f"{address}: {error or type(error).__name__}"
    return None if shown == identity else f"{address}: somebody else's host key, {shown}"


def _shown_at(address: str, port: int) -> str:
    with (
        socket.create_connection((address, port), _PATIENCE) as connection,
        closing(paramiko.Transport(connection)) as transport,
    ):
        transport.start_client(timeout=_PATIENCE)
        key = transport.get_remote_server_key()
    return f"{key.get_name()} {key.get_base64()}"
