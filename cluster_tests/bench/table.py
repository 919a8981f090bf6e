"""The tables that a run of the benchmark ends with: medians by side, then goals."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.table import Table

from cluster_tests.bench.samples import GOALS, MEASURES, OPENSSH, SAME_CIPHER, SIDES

if TYPE_CHECKING:
    from rich.console import Console

    from cluster_tests.bench.samples import Measure, Samples

_NOTHING = "-"


def show(samples: Samples, console: Console) -> None:
    """Print everything, for people."""
    console.print(
        f"Far end: {samples.far_end}, by TCP a server of our own. Medians:\n", markup=False
    )
    console.print(_medians(samples))
    console.print()
    console.print(_goals(samples))
    console.print(
        "\nEach side is a process of its own, asked by the same client through the same sshd;"
        f" {SAME_CIPHER} is ssh -L told to use our cipher, and the last two columns are ours over"
        " OpenSSH's. sshtunnel reaches no UNIX socket: its many hosts are opened for a TCP port."
        " Memory is what the open tunnels add to the process; of ssh, all its processes together,"
        " with what they share counted in each.",
        markup=False,
    )


def _medians(samples: Samples) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column("measure")
    for name in (*SIDES, "/ ssh -L", "/ GCM"):
        table.add_column(name, justify="right")
    for measure in MEASURES:
        ratios = (samples.ratio(measure.key, to=side) for side in (OPENSSH, SAME_CIPHER))
        table.add_row(
            f"{measure.told} ({measure.unit})" if measure.unit else measure.told,
            *(_number(measure, samples.median(measure.key, side)) for side in SIDES),
            *(_NOTHING if ratio is None else f"{ratio:.2f}" for ratio in ratios),
        )
    return table


def _number(measure: Measure, value: float | None) -> str:
    return _NOTHING if value is None else f"{value * measure.scale:,.{measure.digits}f}"


def _goals(samples: Samples) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column("goal")
    table.add_column("wanted", justify="right")
    table.add_column("measured", justify="right")
    table.add_column("")
    for goal in GOALS:
        figure = samples.figure(goal)
        if figure is None:
            table.add_row(goal.key, str(goal), _NOTHING, "not measured")
        else:
            met = "[green]met[/]" if goal.is_met_by(figure) else "[red]missed[/]"
            table.add_row(goal.key, str(goal), f"{figure:.2f}", met)
    return table
