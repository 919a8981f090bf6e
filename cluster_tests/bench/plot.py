"""Draws what was measured, as a small SVG."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cluster_tests.bench.samples import MANY, OPENSSH, OURS, SAME_CIPHER, SSHTUNNEL
from cluster_tests.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from cluster_tests.bench.samples import Samples

_COLOURS = {OURS: "#1b7837", OPENSSH: "#2166ac", SAME_CIPHER: "#92c5de", SSHTUNNEL: "#b2abd2"}
_LATENCIES = {
    "ping": "ping\n(engine)", "connect": "connect + ping\n(engine)",
    "ping_tcp": "ping\n(TCP)", "connect_tcp": "connect + ping\n(TCP)",
}  # fmt: skip
_LOADS = {"down": "down", "up": "up"}


def load_pyplot() -> Any:  # noqa: ANN401 - matplotlib's module, loaded only when it is wanted
    """Load the drawing library. Raises UsageError where it is not installed."""
    try:
        import matplotlib as mpl  # noqa: PLC0415 - heavy, and only for who draws
        import matplotlib.pyplot as plt  # noqa: PLC0415 - as above
    except ImportError:
        raise UsageError(
            "drawing needs matplotlib, which is not installed",
            remedy="pip install -r requirements-dev.txt, or leave --plot out",
        ) from None
    mpl.use("svg")
    # Text as text keeps the file small; without the salt every run would give other names.
    mpl.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "tunnels", "font.size": 9})
    return plt


def draw(samples: Samples, path: Path, pyplot: Any) -> None:  # noqa: ANN401 - see load_pyplot
    """Draw latency, throughput and opening beside each other, into an SVG file."""
    figure, (left, middle, right) = pyplot.subplots(
        1, 3, figsize=(11, 3.4), layout="constrained", width_ratios=(2, 1, 1.3)
    )
    _bars(left, samples, _LATENCIES, 1e6)
    left.set(title="latency, median (µs; less is better)", yscale="log")
    left.legend(frameon=False, ncols=2)
    _bars(middle, samples, _LOADS, 1e-6)
    middle.set(title="throughput (MB/s; more is better)")
    _lines(right, samples)
    right.set(title="opening hosts (s; less is better)", xlabel="hosts", xscale="log", yscale="log")
    right.set_xticks(MANY, [str(count) for count in MANY])
    right.minorticks_off()
    for axes in (left, middle, right):
        axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, format="svg", metadata={"Date": None})
    pyplot.close(figure)


def _bars(axes: Any, samples: Samples, measures: dict[str, str], scale: float) -> None:  # noqa: ANN401 - see load_pyplot
    width = 0.8 / len(_COLOURS)
    for number, (side, colour) in enumerate(_COLOURS.items()):
        for place, measure in enumerate(measures):
            value = samples.median(measure, side)
            if value is not None:
                label = side if place == len(measures) - 1 else None
                axes.bar(place + number * width, value * scale, width, color=colour, label=label)
    middle = (len(_COLOURS) - 1) * width / 2
    axes.set_xticks([place + middle for place in range(len(measures))], list(measures.values()))


def _lines(axes: Any, samples: Samples) -> None:  # noqa: ANN401 - see load_pyplot
    for side, colour in _COLOURS.items():
        values = [samples.median(f"open_{count}", side) for count in MANY]
        if None not in values:
            axes.plot(MANY, values, "o-", color=colour, label=side)
