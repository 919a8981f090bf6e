"""The ledger's own file server, with the keys of a publication."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cluster_tests.fronts.keys import ServiceKeys

PROGRAM = (
    Path(__file__).parents[2]
    / "fixtures"
    / "services"
    / "ledger"
    / "images"
    / "files"
    / "files_server.py"
)


@contextmanager
def sftp_server(root: Path, host: ServiceKeys, client: ServiceKeys) -> Iterator[tuple[str, int]]:
    """Serve ``root`` as ``host`` to whoever has the key of ``client``, and give the address."""
    with tempfile.TemporaryDirectory() as directory:
        secrets = Path(directory)
        (secrets / "host_key").write_text(host.host_private)
        (secrets / "authorized_key").write_text(client.authorized_key)
        with subprocess.Popen(
            [sys.executable, PROGRAM, "127.0.0.1", "0", root, secrets],
            stdout=subprocess.PIPE,
            text=True,
        ) as server:
            assert server.stdout is not None
            try:
                yield "127.0.0.1", int(server.stdout.readline())
            finally:
                server.terminate()
                server.wait(timeout=10)
    assert server.returncode == 0
