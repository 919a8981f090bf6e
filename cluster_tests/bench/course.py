"""What is measured, and in which order.

The sides take turns in short pieces, each round beginning with another, so that a busy moment of
the machine meets all of them. Every side is a process of its own, and all are asked by this one.
"""

from __future__ import annotations

import tempfile
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cluster_tests.bench import client, far_end
from cluster_tests.bench.process import Process
from cluster_tests.bench.samples import (
    DIRECT,
    MANY,
    OPENSSH,
    OURS,
    SAME_CIPHER,
    SSHTUNNEL,
    Samples,
)
from cluster_tests.bench.sides import Library, OpenSsh, Way
from cluster_tests.bench.sshd import Sshd

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cluster_tests.bench.sides import Opened, Side
    from cluster_tests.lab.progress import Progress


@dataclass(frozen=True)
class Effort:
    """How much is measured in each round, and how many rounds there are."""

    rounds: int = 10
    pings: int = 100
    connects: int = 30
    load: int = 64 << 20
    openings: int = 3
    many: tuple[int, ...] = MANY


@dataclass(frozen=True)
class _Asked:
    """Whom the client asks, by which addresses; None for what the side does not do."""

    name: str
    engine: Path | None
    port: tuple[str, int] | None


def run(effort: Effort, progress: Progress) -> Samples:
    """Measure everything. Raises HarnessError when sshd, ssh or a side does not do its part."""
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench")))
        progress.step("far end", "starting it, and an sshd in front of it")
        way, told = stack.enter_context(_way(directory))
        progress.step("far end", told)
        samples = Samples(told)
        _measure_traffic(effort, way, directory, samples, progress)
        _measure_openings(effort, way, directory, samples, progress)
        progress.step("all", "measured")
        return samples


@contextmanager
def _way(directory: Path) -> Iterator[tuple[Way, str]]:
    with (
        Sshd(directory, "LogLevel INFO") as sshd,
        Process.of_module("cluster_tests.bench.far_end", str(directory)) as far,
    ):
        own = far_end.Addresses.from_line(far.line())
        engine = far_end.engine()
        told = f"the Docker engine at {engine}" if engine else "an HTTP server of our own"
        yield Way(sshd, engine or own.socket, own.port), told


def _sides() -> list[Side]:
    return [
        Library(OURS, "ours", reaches_sockets=True),
        OpenSsh(OPENSSH),
        OpenSsh(SAME_CIPHER, "-c", "aes128-gcm@openssh.com"),
        Library(SSHTUNNEL, "sshtunnel", reaches_sockets=False),
    ]


def _measure_traffic(
    effort: Effort, way: Way, directory: Path, samples: Samples, progress: Progress
) -> None:
    with ExitStack() as stack:
        asked = [_Asked(DIRECT, way.engine, ("127.0.0.1", way.port))]
        for side in _sides():
            progress.step(side.name, "opening one host")
            opened = stack.enter_context(
                side.open(way, _private(directory), 1, engine=side.reaches_sockets, port=True)
            )
            asked.append(_Asked(side.name, opened.engine, opened.port))
        for number in range(effort.rounds):
            first = number % len(asked)
            for one in asked[first:] + asked[:first]:
                progress.step(one.name, f"round {number + 1} of {effort.rounds}")
                _measure_one(effort, one, samples)


def _measure_one(effort: Effort, one: _Asked, samples: Samples) -> None:
    for address, suffix in ((one.engine, ""), (one.port, "_tcp")):
        if address is not None:
            samples.add("ping" + suffix, one.name, client.kept_pings(address, effort.pings))
            samples.add("connect" + suffix, one.name, client.fresh_pings(address, effort.connects))
    if one.port is not None:
        samples.add("down", one.name, [client.download(one.port, effort.load)])
        samples.add("up", one.name, [client.upload(one.port, effort.load)])


def _measure_openings(
    effort: Effort, way: Way, directory: Path, samples: Samples, progress: Progress
) -> None:
    for number in range(effort.openings):
        for count in effort.many:
            for side in _sides():
                if side.name != SAME_CIPHER:  # it opens as the other one does
                    told = f"opening {count} hosts, {number + 1} of {effort.openings}"
                    progress.step(side.name, told)
                    _measure_opening(side, way, count, directory, samples)


def _measure_opening(side: Side, way: Way, count: int, directory: Path, samples: Samples) -> None:
    socket = side.reaches_sockets
    with side.open(way, _private(directory), count, engine=socket, port=not socket) as opened:
        samples.add(f"open_{count}", side.name, [opened.seconds])
        samples.add(f"rss_{count}", side.name, [opened.taken.resident])
        samples.add(f"threads_{count}", side.name, [opened.taken.threads])
        _use(opened)


def _use(opened: Opened) -> None:
    """See that what counts as open is open."""
    for address in (opened.engine, opened.port):
        if address is not None:
            client.fresh_pings(address, 1)


def _private(directory: Path) -> Path:
    """Make a directory for local sockets that only we can enter."""
    return Path(tempfile.mkdtemp(dir=directory))
