"""Attach, exec and events of a real engine, all open at once over one SSH connection.

    python tests/breaks/streams.py IMAGE    any image with ``cat`` in it, of the engine here

It starts an sshd of its own and brings /var/run/docker.sock out through it; no lab is needed.
While the events and an attach are open, an exec gets four megabytes and the end of its input, and
must still answer all of them (a half-close, which a hijacked HTTP connection stands on); then the
attach does the same with the container's own process. Exit code: 0 when all bytes and events came
over one login and nothing was opened again, else 1.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import socket
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import docker
from lab_nodes import do

from cluster_tests.bench.sshd import Sshd
from cluster_tests.errors import HarnessError
from cluster_tests.nodes.exec_stream import STDOUT, Frames
from cluster_tests.report import say
from tunnels import SocketForward, Tunnel, http_answers

if TYPE_CHECKING:
    from collections.abc import Iterator

_ENGINE = "/var/run/docker.sock"
_NAME = "tunnels-test-streams"
_LOAD = 4 << 20  # bytes; two windows of a channel
_PATIENCE = 60  # seconds until a stream on which nothing comes counts as hanging


def main(arguments: list[str] | None = None) -> int:
    """Try it; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("image", metavar="IMAGE", help="an image with cat, which the engine has")
    image = parser.parse_args(arguments).image
    try:
        with _container(image) as container, _tunnel() as (sshd, tunnel, forward):
            address = tunnel.forward(forward)
            _try(container, f"unix://{address}")
            traffic, logins = tunnel.traffic(forward), sshd.count("Accepted publickey")
            _expect((logins, tunnel.health.reconnections), (1, 0), "logins and reconnections")
    except (HarnessError, OSError) as error:
        say(f"failed: {error!r}")
        return 1
    say(f"{traffic.connections} connections over {logins} login, none opened again", indent=0)
    return 0


@contextmanager
def _container(image: str) -> Iterator[str]:
    """Make a container whose process is ``cat``, without a network; its input ends once."""
    options = ["--interactive", "--attach", "stdin", "--network", "none", "--entrypoint", "cat"]
    made = do("docker", "create", "--name", _NAME, *options, image).strip()
    try:
        yield made
    finally:
        do("docker", "rm", "--force", _NAME)


@contextmanager
def _tunnel() -> Iterator[tuple[Sshd, Tunnel, SocketForward]]:
    with TemporaryDirectory(prefix="streams-") as directory:
        local = Path(directory) / "near" / "engine.sock"
        forward = SocketForward(_ENGINE, local, answers=http_answers("/_ping"))
        with Sshd(Path(directory)) as sshd, Tunnel(sshd.target()) as tunnel:
            yield sshd, tunnel, forward


def _try(container: str, engine: str) -> None:
    api = docker.APIClient(base_url=engine, version="auto", timeout=_PATIENCE)
    try:
        events = api.events(filters={"container": [container]}, decode=True)
        attached = api.attach_socket(container, {"stdin": 1, "stdout": 1, "stream": 1})
        api.start(container)
        _await(events, "start")
        process = api.exec_create(container, ["cat"], stdin=True)["Id"]
        _echo("exec", api.exec_start(process, socket=True))
        _await(events, "exec_die")
        _echo("attach", attached)
        _await(events, "die")
        events.close()
    finally:
        api.close()


def _echo(what: str, stream: Any) -> None:  # noqa: ANN401 - the SDK is untyped
    """Send a load and the end of the input, and have all of it back, then the end."""
    sock: socket.socket = stream._sock  # the SDK gives a file, which cannot half-close
    sock.settimeout(_PATIENCE)
    load = os.urandom(_LOAD)
    with ThreadPoolExecutor(1) as pool:
        sending = pool.submit(_send_to_the_end, sock, load)
        heard = b"".join(payload for number, payload in _frames(sock) if number == STDOUT)
        sending.result()
    digests = [hashlib.sha256(data).hexdigest() for data in (heard, load)]
    _expect((len(heard), digests[0]), (len(load), digests[1]), f"what the {what} gave back")
    say(f"{what}: {len(heard)} bytes there and back, and the end after a half-close", indent=0)
    stream.close()


def _send_to_the_end(sock: socket.socket, data: bytes) -> None:
    sock.sendall(data)
    sock.shutdown(socket.SHUT_WR)


def _frames(sock: socket.socket) -> Iterator[tuple[int, bytes]]:
    frames = Frames()
    while data := sock.recv(1 << 16):
        yield from frames.feed(data)


def _await(events: Iterator[dict[str, Any]], action: str) -> None:
    """Read the stream of events up to one; it must still be open."""
    for event in events:
        if event["Action"] == action:
            say(f"events: {action}", indent=0)
            return
    raise HarnessError(f"the stream of events ended before it told of {action}")


def _expect(found: object, expected: object, what: str) -> None:
    if found != expected:
        raise HarnessError(f"{what}: expected {expected}, found {found}")


if __name__ == "__main__":
    sys.exit(main())
