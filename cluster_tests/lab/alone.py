"""One command at a time changes a lab."""

from __future__ import annotations

import fcntl
from contextlib import contextmanager
from typing import TYPE_CHECKING

from cluster_tests.lab.keys import private_directory

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from cluster_tests.lab.progress import Progress


@contextmanager
def alone(state: Path, progress: Progress) -> Iterator[None]:
    """Hold the lab of the ``state`` directory; wait, and say so, while another command holds it.

    The lock is the kernel's: it ends with the process, however that ends.
    """
    with (private_directory(state) / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            progress.step("lab", "another command is changing it: waiting")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield
