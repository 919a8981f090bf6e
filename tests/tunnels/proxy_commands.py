"""A proxy command for the tests, and whether the processes of one still run."""

from __future__ import annotations

import sys
from contextlib import suppress
from pathlib import Path

# A command that joins its stdin and stdout to a TCP port: what `nc %h %p` does, without nc.
CONNECT = f"""{sys.executable} -S -c '
import os, socket, sys, threading
sock = socket.create_connection((sys.argv[1], int(sys.argv[2])))
def there():
    while data := os.read(0, 65536): sock.sendall(data)
    sock.shutdown(socket.SHUT_WR)
threading.Thread(target=there, daemon=True).start()
while data := sock.recv(65536): os.write(1, data)
' %h %p"""


def runs(pid: int) -> bool:
    """Tell whether the process runs; a zombie that waits for init to reap it does not."""
    with suppress(FileNotFoundError, ProcessLookupError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False
