"""An SFTP server of one directory, with the keys of a publication, on loopback."""

from __future__ import annotations

import os
import socket
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

import paramiko
from paramiko.common import AUTH_FAILED, AUTH_SUCCESSFUL, OPEN_SUCCEEDED

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from cluster_tests.fronts.keys import ServiceKeys


class _Login(paramiko.ServerInterface):
    def __init__(self, client: paramiko.PKey) -> None:
        self._client = client

    def check_auth_publickey(self, username: str, key: paramiko.PKey) -> int:
        allowed = username == "files" and key == self._client
        return AUTH_SUCCESSFUL if allowed else AUTH_FAILED

    def get_allowed_auths(self, username: str) -> str:  # noqa: ARG002 - the interface's
        return "publickey"

    def check_channel_request(self, kind: str, chanid: int) -> int:  # noqa: ARG002 - the interface's
        return OPEN_SUCCEEDED


class _Files(paramiko.SFTPServerInterface):
    def __init__(self, _server: paramiko.ServerInterface, root: Path) -> None:
        self._root = root

    def list_folder(self, path: str) -> list[paramiko.SFTPAttributes] | int:
        try:
            return [
                paramiko.SFTPAttributes.from_stat(entry.lstat(), entry.name)
                for entry in (self._root / path.lstrip("/")).iterdir()
            ]
        except OSError as error:
            return paramiko.SFTPServer.convert_errno(error.errno or 0)

    def stat(self, path: str) -> paramiko.SFTPAttributes | int:
        return paramiko.SFTPAttributes.from_stat((self._root / path.lstrip("/")).stat())

    def open(
        self,
        path: str,
        flags: int,
        attr: paramiko.SFTPAttributes,  # noqa: ARG002 - the interface's
    ) -> paramiko.SFTPHandle | int:
        handle = paramiko.SFTPHandle(flags)
        handle.readfile = os.fdopen(os.open(self._root / path.lstrip("/"), flags), "rb")  # type: ignore[attr-defined]
        return handle


@contextmanager
def sftp_server(root: Path, host: paramiko.PKey, keys: ServiceKeys) -> Iterator[tuple[str, int]]:
    """Serve ``root`` to the client of ``keys``, with the key ``host``, and give the address."""
    transports: list[paramiko.Transport] = []

    def serve(listener: socket.socket) -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            transport = paramiko.Transport(connection)
            transports.append(transport)
            transport.add_server_key(host)
            transport.set_subsystem_handler("sftp", paramiko.SFTPServer, _Files, root)
            transport.start_server(event=threading.Event(), server=_Login(keys.client))

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, args=[listener])
        thread.start()
        try:
            yield listener.getsockname()
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()
            for transport in transports:
                transport.close()
                transport.join()
