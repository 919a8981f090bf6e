"""Who is measured: each side forwards to the same far ends, through the same sshd, in its own way.

A side is opened for a number of hosts, which are all the same sshd, and gives the local addresses
by host. Every connection to a host is a process of its own with OpenSSH; the libraries hold all of
them in one process.
"""

from __future__ import annotations

import json
import shutil
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from cluster_tests.bench.process import Process, Weight
from cluster_tests.bench.sshd import free_port
from cluster_tests.errors import HarnessError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

    from cluster_tests.bench.sshd import Sshd


@dataclass(frozen=True)
class Way:
    """Through which sshd, to which far ends: an engine's socket (or ours instead), our TCP port."""

    sshd: Sshd
    engine: Path
    port: int


@dataclass(frozen=True)
class Opened:
    """Forwards that are open: the first host's addresses, and what opening all of them took.

    An address is None where the side does not reach that far end. ``taken`` is what the forwards
    take, beyond what a library's program takes before; of ``ssh`` it is all processes.
    """

    engine: Path | None
    port: tuple[str, int] | None
    seconds: float
    taken: Weight


class Side(Protocol):
    """One way to forward. ``reaches_sockets``: UNIX sockets on the server, that is."""

    name: str
    reaches_sockets: bool

    def open(
        self, way: Way, directory: Path, hosts: int, *, engine: bool, port: bool
    ) -> AbstractContextManager[Opened]:
        """Forward ``hosts`` times to the far ends that are named; sockets go to ``directory``."""


class Library:
    """A carrier process: ours, or sshtunnel."""

    def __init__(self, name: str, program: str, *, reaches_sockets: bool) -> None:
        """Call it ``name``; ``program`` is the carrier's word for it."""
        self.name = name
        self.reaches_sockets = reaches_sockets
        self._program = program

    @contextmanager
    def open(
        self, way: Way, directory: Path, hosts: int, *, engine: bool, port: bool
    ) -> Iterator[Opened]:
        """Open all in one process; the time counts once it has imported everything."""
        sshd = way.sshd
        plan = {
            "port": sshd.port, "user": sshd.user, "key": str(sshd.identity),
            "known_hosts": str(sshd.known_hosts), "directory": str(directory), "hosts": hosts,
            "socket": str(way.engine) if engine else None, "ports": [way.port] if port else [],
        }  # fmt: skip
        with Process.of_module("cluster_tests.bench.carrier", self._program) as process:
            process.line()
            before = process.weight
            process.tell(json.dumps(plan))
            opened = json.loads(process.line())
            taken = process.weight - before
            first = opened["addresses"][0]
            socket, *rest = first if engine else [None, *first]
            yield Opened(
                Path(socket) if socket else None,
                (str(rest[0][0]), int(rest[0][1])) if rest else None,
                opened["seconds"],
                taken,
            )


class OpenSsh:
    """``ssh -N -L``: a process for each host."""

    reaches_sockets = True

    def __init__(self, name: str, *options: str) -> None:
        """Call it ``name``; ``options`` are further words of the command.

        Raises HarnessError when there is no ssh on this machine.
        """
        self.name = name
        self._options = options
        if shutil.which("ssh") is None:
            raise HarnessError("ssh is missing", remedy="apt-get install openssh-client")

    @contextmanager
    def open(
        self, way: Way, directory: Path, hosts: int, *, engine: bool, port: bool
    ) -> Iterator[Opened]:
        """Start all processes, then wait until each has logged in and listens."""
        locals_ = [(directory / f"{host}.sock", free_port()) for host in range(hosts)]
        with ExitStack() as stack:
            started = time.perf_counter()
            processes = []
            for local_socket, local_port in locals_:
                forwards = ["-L", f"{local_socket}:{way.engine}"] if engine else []
                if port:
                    forwards += ["-L", f"127.0.0.1:{local_port}:127.0.0.1:{way.port}"]
                command = [*self._command(way.sshd), *forwards, f"{way.sshd.user}@127.0.0.1"]
                processes.append(stack.enter_context(Process(command)))
            for process in processes:
                process.line()
            yield Opened(
                locals_[0][0] if engine else None,
                ("127.0.0.1", locals_[0][1]) if port else None,
                time.perf_counter() - started,
                sum((process.weight for process in processes), Weight(0, 0)),
            )

    def _command(self, sshd: Sshd) -> list[str]:
        settings = (
            "BatchMode=yes", "IdentitiesOnly=yes", "StrictHostKeyChecking=yes",
            f"UserKnownHostsFile={sshd.known_hosts}", "ExitOnForwardFailure=yes",
            # It is run when all forwards listen, and so says when that is.
            "PermitLocalCommand=yes", "LocalCommand=echo ready",
        )  # fmt: skip
        return [
            "ssh", "-F", "none", "-N", *self._options, "-i", str(sshd.identity),
            "-p", str(sshd.port), *(word for setting in settings for word in ("-o", setting)),
        ]  # fmt: skip
