"""``cluster-tests lab``: the commands around the local lab."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - typer reads the annotations at run time
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from cluster_tests.errors import LabError, UsageError
from cluster_tests.lab import down as lab_down
from cluster_tests.lab import status as lab_status
from cluster_tests.lab.engine import connect, find, run
from cluster_tests.lab.plan import ENGINE_LOG, FORGE, LabPlan
from cluster_tests.lab.progress import progress_on
from cluster_tests.lab.up import bring_up

lab = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="The local lab of four nodes.")
_MEGABYTE = 1 << 20
_COMPOSE_LOGS = "docker compose --project-name cluster logs --no-color --tail 200"
_SOURCES = {
    "engine": ("tail", "-n", "200", ENGINE_LOG),
    "agent": ("tail", "-n", "200", "/deploy/handler.log"),
    "cluster": tuple(_COMPOSE_LOGS.split()),
}


@lab.command()
def up(
    cluster: Annotated[
        Path | None,
        typer.Option(help="Directory of the compose project to put under test; ours by default."),
    ] = None,
    *,
    tunnel_fronts: Annotated[
        bool,
        typer.Option(
            "--tunnel-fronts",
            help="Ask the fronts through the nodes' tunnels, even where this machine reaches them.",
        ),
    ] = False,
) -> None:
    """Bring the lab up. What exists is used; the first time takes some minutes."""
    plan = LabPlan(cluster=cluster.absolute()) if cluster else LabPlan()
    console = Console()
    with progress_on(console) as progress:
        inventory = bring_up(plan, progress, tunnel_fronts=tunnel_fronts)
    console.print(f"The lab is up. Its inventory: {inventory}", markup=False, soft_wrap=True)


@lab.command()
def down(
    *,
    purge: Annotated[
        bool, typer.Option("--purge", help="Also remove volumes, images, network and keys.")
    ] = False,
) -> None:
    """Power the lab off. Volumes, images and keys stay for a fast next `up`."""
    console = Console()
    with progress_on(console) as progress:
        lab_down.bring_down(LabPlan(), progress, purge=purge)
    console.print("The lab is purged." if purge else "The lab is down.")


@lab.command()
def status() -> None:
    """Show every host; exit code 1 when one does not do all it must."""
    hosts = lab_status.read(LabPlan())
    table = Table(
        "host", "state", "address", "memory", "disk", "engine", "plugin", "cluster", box=None
    )
    for host in hosts:
        table.add_row(host.host, host.state, host.address, _size(host.memory), _size(host.disk),
                      host.engine, host.plugin, host.cluster)  # fmt: skip
    console = Console()
    console.print(table)
    memory = sum(host.memory for host in hosts)
    disk = sum(host.disk for host in hosts) + lab_status.images_on_disk()
    console.print(
        f"The whole lab: {_size(memory)} of memory, {_size(disk)} on disk with its images."
    )
    raise typer.Exit(0 if all(host.up for host in hosts) else 1)


@lab.command()
def logs(
    node: Annotated[
        str | None, typer.Argument(help="core1 to core4 or forge; all if left out.")
    ] = None,
) -> None:
    """Print what the hosts said: boot, engine, agent, and the cluster's containers."""
    plan = LabPlan()
    client = connect()
    for host in [_known(plan, node)] if node else plan.hosts:
        container = find(client, plan.container(host))
        if container is None:
            raise LabError(f"{host}: there is no such container", remedy="cluster-tests lab up")
        typer.echo(f"--- {host}: boot\n{container.logs().decode(errors='replace')}")
        if host != FORGE and container.status == "running":
            for source, command in _SOURCES.items():
                typer.echo(f"--- {host}: {source}\n{run(container, *command).output}")


def _size(number: int) -> str:
    return f"{number / _MEGABYTE:.0f} MB" if number else ""


def _known(plan: LabPlan, host: str) -> str:
    if host not in plan.hosts:
        raise UsageError(f"the lab has no host {host!r}", remedy=f"one of: {', '.join(plan.hosts)}")
    return host
