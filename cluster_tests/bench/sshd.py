"""A real sshd, started as an ordinary process on loopback.

The benchmark measures against it, and the tests of ``tunnels`` run against it.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import threading
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import IO, Any, Self, cast

from cluster_tests.errors import HarnessError
from tunnels import Target

_PATIENCE = 60.0
"""Seconds that sshd may take to start, to end, or to log what it did, on a machine that is busy."""

CONFIGURATION = """
ListenAddress {address}
AuthorizedKeysFile {directory}/authorized_keys
StrictModes no
UsePAM no
PidFile none
LogLevel VERBOSE
# bash reads ~/.bashrc also for a command: what a person has there may be slow, talk, or hang.
SetEnv HOME={directory}
MaxStartups 200
PasswordAuthentication no
KbdInteractiveAuthentication no
"""


_LISTENING = "Server listening on"


def make_key(path: Path, *options: str) -> Path:
    """Make a key pair; ed25519 without passphrase unless the options say otherwise."""
    kind = () if "-t" in options else ("-t", "ed25519")
    phrase = () if "-N" in options else ("-N", "")
    subprocess.run(["ssh-keygen", "-q", *kind, *phrase, *options, "-f", str(path)], check=True)
    return path


def public_part(path: Path) -> str:
    """Give a key's type and base64, as known_hosts and authorized_keys want them."""
    return " ".join(path.with_name(f"{path.name}.pub").read_text().split()[:2])


def free_port() -> int:
    """Give a loopback port on which nobody listens at the moment."""
    with socket.create_server(("127.0.0.1", 0)) as sock:
        port: int = sock.getsockname()[1]
    return port


class Sshd:
    """One sshd with its own configuration, keys and log."""

    def __init__(
        self,
        directory: Path,
        *options: str,
        host_keys: tuple[str, ...] = ("ed25519",),
        address: str = "127.0.0.1",
    ) -> None:
        """Make keys in ``directory``; ``options`` are lines of sshd_config, before our own."""
        self.directory = directory
        self.address = address
        self.port = free_port()
        self.user = pwd.getpwuid(os.getuid()).pw_name
        self.host_keys = [make_key(directory / f"host_{kind}", "-t", kind) for kind in host_keys]
        self.identity = make_key(directory / "identity")
        self.known_hosts = directory / "known_hosts"
        self._options = options
        self.lines: list[str] = []
        self._news = threading.Condition()
        self.let_in(self.identity)
        self.know(self.host_keys[0])

    def know(self, *keys: Path) -> None:
        """Write known_hosts anew, with these keys for this server."""
        lines = [f"[{self.address}]:{self.port} {public_part(key)}\n" for key in keys]
        self.known_hosts.write_text("".join(lines))

    def let_in(self, *keys: Path) -> None:
        """Write authorized_keys anew, with the public parts of these keys."""
        lines = [f"{public_part(key)}\n" for key in keys]
        (self.directory / "authorized_keys").write_text("".join(lines))

    def target(self, **changes: Any) -> Target:  # noqa: ANN401 - as for dataclasses.replace
        """Describe this server, with changes."""
        known = Target(self.address, self.port, self.user, self.identity, self.known_hosts)
        return replace(known, **changes)

    def start(self) -> None:
        """Start it and wait until it listens. Raises HarnessError with its log if it does not."""
        binary = shutil.which("sshd", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
        if binary is None:
            raise HarnessError("sshd is missing", remedy="apt-get install openssh-server")
        if os.getuid() == 0:
            Path("/run/sshd").mkdir(exist_ok=True)  # where sshd separates its privileges
        keys = [f"HostKey {key}" for key in self.host_keys]
        text = (
            CONFIGURATION.format(directory=self.directory, address=self.address)
            + f"Port {self.port}\n"
        )
        listening = self.count(_LISTENING)
        path = self.directory / "sshd_config"
        path.write_text("\n".join([*self._options, *keys, text]))
        self._process = subprocess.Popen(
            [binary, "-D", "-e", "-f", str(path)], stderr=subprocess.PIPE, text=True
        )
        # A daemon: whatever goes wrong in a test, the run must end.
        self._reader = threading.Thread(target=self._read_log, daemon=True)
        self._reader.start()
        try:
            self.wait_for(_LISTENING, times=listening + 1)
        except BaseException:
            self.stop()
            raise

    def __enter__(self) -> Self:
        """Start."""
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop."""
        self.stop()

    def _read_log(self) -> None:
        with cast("IO[str]", self._process.stderr) as log:
            for line in log:
                with self._news:
                    self.lines.append(line)
                    self._news.notify_all()

    def count(self, text: str) -> int:
        """Count the log's lines with ``text``."""
        with self._news:
            return sum(text in line for line in self.lines)

    def wait_for(self, text: str, times: int = 1) -> None:
        """Wait until the log has ``text`` on so many lines; raises HarnessError if it does not."""
        with self._news:
            seen = self._news.wait_for(
                lambda: sum(text in line for line in self.lines) >= times, _PATIENCE
            )
        if not seen:
            said = "".join(self.lines)
            raise HarnessError(f"sshd's log never said {text!r} {times} time(s):\n{said}")

    def counted(self, text: str, times: int) -> int:
        """Count the log's lines with ``text`` once there are so many: they come a moment late.

        Raises HarnessError where there are fewer.
        """
        self.wait_for(text, times)
        return self.count(text)

    @property
    def serving(self) -> list[int]:
        """The processes that serve a connection, one for each, in the order of their start."""
        return _children(self._process.pid)

    def signal_sessions(self, number: signal.Signals, *, spared: int = 0) -> None:
        """Send a signal to what serves connections, so many of the oldest excepted.

        New ones are still accepted.
        """
        serving = self.serving[spared:]
        for pid in [pid for child in serving for pid in (child, *_descendants(child))]:
            with suppress(ProcessLookupError):  # it was just going
                os.kill(pid, number)

    def stop(self) -> None:
        """End it with everything that serves connections."""
        # It must not accept another one in between, which would outlive it.
        self._process.send_signal(signal.SIGSTOP)
        self.signal_sessions(signal.SIGKILL)
        self._process.kill()
        self._process.wait(_PATIENCE)
        self._reader.join(_PATIENCE)


def _descendants(pid: int) -> list[int]:
    children = _children(pid)
    return [*children, *(below for child in children for below in _descendants(child))]


def _children(pid: int) -> list[int]:
    try:
        return [int(c) for c in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except (FileNotFoundError, ProcessLookupError):  # it was just going: before, or while we read
        return []
