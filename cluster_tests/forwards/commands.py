"""``cluster-tests tunnels``: the command line."""

from __future__ import annotations

import json
import os
import sys
from argparse import Namespace
from contextlib import ExitStack, contextmanager
from pathlib import Path  # noqa: TC003 - typer reads the annotations at run time
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from cluster_tests.errors import UsageError
from cluster_tests.forwards.child import run_inside
from cluster_tests.forwards.ending import OF_A_SIGNAL, Ended, Ending, handled
from cluster_tests.plugin.options import INVENTORY_VARIABLE, inventory_source
from cluster_tests.report import Progress

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cluster_tests.forwards.opened import Opened


def tunnels(  # noqa: PLR0913 - the command line's options
    *,
    inventory: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help=f"The cluster (default: ${INVENTORY_VARIABLE}, else the local lab, which is "
            "brought up).",
        ),
    ] = None,
    only: Annotated[
        list[str] | None,
        typer.Option(metavar="NODE", help="Open this node alone; may be repeated."),
    ] = None,
    node: Annotated[
        str,
        typer.Option(metavar="NODE", help="Whose Consul, and whose engine for --exec: the first."),
    ] = "",
    consul_socket: Annotated[
        bool,
        typer.Option(
            "--consul-socket",
            help="Consul on a UNIX socket: a port can be reached by every user of this machine.",
        ),
    ] = False,
    fronts: Annotated[
        bool, typer.Option("--fronts", help="Also each node's HTTP and HTTPS front.")
    ] = False,
    exec_: Annotated[
        str | None,
        typer.Option("--exec", metavar="COMMAND", help="Run this in a shell, then close all."),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the addresses once, as an object.")
    ] = False,
) -> None:
    """Hold all ways into a cluster open.

    They are every node's engine, Consul, and the fronts if asked, over one SSH connection a node,
    and are shown with their state, round trip, traffic and reconnections. The sockets lie in a
    directory that nobody else can enter; ports listen on 127.0.0.1 alone. Lost connections are
    opened again at the same addresses. It changes nothing on the cluster, so that it needs no
    may_change. Ctrl-C closes everything.

      cluster-tests tunnels --inventory cluster.yaml

      cluster-tests tunnels --exec 'docker ps --all'

      cluster-tests tunnels --node core2 --consul-socket --exec 'consul members'

    The command of --exec gets DOCKER_HOST and CONSUL_HTTP_ADDR (of the first node, or --node), and
    CLUSTER_TESTS_SOCKET_CORE1 and so on, the path of each node's engine.

    Exit code: that of --exec's COMMAND (128 and the signal's number where one ended it); 2: a node
    cannot be reached; 3: wrong options or inventory; 130: Ctrl-C (143: SIGTERM, 129: SIGHUP).
    """
    if exec_ is not None and as_json:
        raise UsageError("--json and --exec both want the standard output", remedy="choose one")
    find = inventory_source(Namespace(inventory=inventory), os.environ)
    ending = Ending()
    with handled(ending):
        try:
            with _opened(
                find(), tuple(only or ()), node, sockets=consul_socket, fronts=fronts
            ) as all_:
                code = _use(all_, exec_, as_json=as_json)
                ending.forget()
        except Ended as ended:
            code = OF_A_SIGNAL + ended.number
    raise typer.Exit(code)


@contextmanager
def _opened(
    path: Path, only: tuple[str, ...], node: str, *, sockets: bool, fronts: bool
) -> Iterator[Opened]:
    # Only here: what tunnels need takes a while to load, and --help does not need it.
    from cluster_tests.forwards.opened import Wanted, opened  # noqa: PLC0415
    from cluster_tests.inventory.file import load_inventory  # noqa: PLC0415

    wanted = Wanted(only, node, sockets, fronts)
    with ExitStack() as stack:
        with Progress("opening the tunnels", stream=sys.stderr):
            all_ = stack.enter_context(opened(load_inventory(path), wanted))
        yield all_


def _use(all_: Opened, command: str | None, *, as_json: bool) -> int:
    """Run the command and give its exit code; without one, stay until ``Ended``."""
    from cluster_tests.forwards import told  # noqa: PLC0415 - see above
    from cluster_tests.forwards.staying import stay, told_meanwhile  # noqa: PLC0415

    errors = Console(stderr=True)
    if command is not None:
        with told_meanwhile(all_, errors):
            return run_inside(command, told.whole_environment(all_, os.environ))
    if as_json:
        typer.echo(json.dumps(told.as_object(all_), indent=1))
        stay(all_, errors)
    else:
        console = Console()
        for line in told.lines_to_paste(all_):
            console.print(line, markup=False, highlight=False, soft_wrap=True)
        stay(all_, console)
    return 0
