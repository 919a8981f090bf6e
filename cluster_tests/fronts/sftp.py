"""Reads a directory of an application's own SSH server, with strict host key and key login."""

from __future__ import annotations

import logging
import posixpath
import socket
import stat
from contextlib import closing
from typing import TYPE_CHECKING

import paramiko

if TYPE_CHECKING:
    from cluster_tests.fronts.keys import ServiceKeys

_USER = "files"
_LOG = "cluster_tests.ssh"
# paramiko logs, with a traceback, what is raised here anyway: a route that refuses is no news.
logging.getLogger(_LOG).setLevel(logging.CRITICAL + 1)


def read_files(
    address: tuple[str, int], keys: ServiceKeys, directory: str, timeout: float
) -> dict[str, bytes]:
    """Give the content of every regular file in ``directory`` by name.

    Names that begin with a dot are left out: a service writes under them what is not whole yet.
    ``timeout`` is in seconds, for each step. Raises ``OSError``; what goes wrong in SSH too.
    """
    try:
        with closing(_connect(address, keys, timeout)) as transport:
            return _read(transport, directory, timeout)
    except (paramiko.SSHException, EOFError) as error:
        raise ConnectionError(f"SSH: {error or 'the connection was closed'}") from error


def _connect(address: tuple[str, int], keys: ServiceKeys, timeout: float) -> paramiko.Transport:
    connection = socket.create_connection(address, timeout)
    # paramiko leaves Nagle's algorithm on; each small request would wait for the last one's ack.
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    transport = paramiko.Transport(connection)
    transport.set_log_channel(_LOG)
    transport.banner_timeout = transport.handshake_timeout = transport.auth_timeout = timeout
    transport.get_security_options().key_types = (keys.host.get_name(),)
    try:
        transport.connect(hostkey=keys.host, username=_USER, pkey=keys.client)
    except BaseException:
        transport.close()
        raise
    return transport


def _read(transport: paramiko.Transport, directory: str, timeout: float) -> dict[str, bytes]:
    channel = transport.open_session(timeout=timeout)
    channel.settimeout(timeout)
    channel.invoke_subsystem("sftp")
    with paramiko.SFTPClient(channel) as client:
        sizes = {
            entry.filename: entry.st_size
            for entry in client.listdir_attr(directory)
            if stat.S_ISREG(entry.st_mode or 0) and not entry.filename.startswith(".")
        }
        return {
            name: _content(client, posixpath.join(directory, name), sizes[name])
            for name in sorted(sizes)
        }


def _content(client: paramiko.SFTPClient, path: str, size: int | None) -> bytes:
    with client.open(path, "rb") as file:
        # Asked for without a size, paramiko would ask once more, to be told that there is no more.
        return file.read(size)
