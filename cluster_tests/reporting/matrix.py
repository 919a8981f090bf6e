"""The matrix: a row for each placement before, a column for each after, a cell for each switch."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cluster_tests.model import NOWHERE, placements, short
from cluster_tests.reporting.words import MARKS, seconds
from cluster_tests.results.verdict import Verdict, in_sum

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from cluster_tests.model import Placement
    from cluster_tests.results.values import Results, ScenarioRecord, SwitchRecord

SHADES = 9  # steps, from light to dark


@dataclass(frozen=True)
class Cell:
    """All switches from one placement to another; ``tone`` is "none" where none was made.

    ``scenario`` is the number of the one to look at: the first of the worst.
    """

    tone: str
    mark: str = ""
    text: str = ""
    shade: int = 0
    title: str = ""
    scenario: int | None = None


@dataclass(frozen=True)
class Row:
    """One placement before: its name, short and in full, and a cell for each placement after."""

    name: str
    full: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class Matrix:
    """``measure`` says what the shades are, ``most`` is that of the darkest, in words."""

    heads: tuple[tuple[str, str], ...]
    rows: tuple[Row, ...]
    measure: str
    most: str


Made = tuple[int, "ScenarioRecord", "SwitchRecord | None"]


def matrix(results: Results) -> Matrix | None:
    """Draw the switches that were made; None where nothing was switched."""
    made = _by_label(results)
    if not made:
        return None
    nodes = results.run.nodes or _nodes_of(made)
    measure, value = _measure(results)
    values = [value(switch) for switch in results.switches]
    most = max((each for each in values if each is not None), default=None)
    draw = _Drawing(made, value, most or 0.0)
    everywhere = placements(nodes)
    return Matrix(
        heads=tuple((short(place, nodes), str(place)) for place in everywhere),
        rows=tuple(
            Row(short(place, nodes), str(place), draw.row(place, everywhere))
            for place in everywhere
        ),
        measure=measure,
        most=seconds(most),
    )


class _Drawing:
    def __init__(
        self,
        made: Mapping[str, Sequence[Made]],
        value: Callable[[SwitchRecord], float | None],
        most: float,
    ) -> None:
        self._made, self._value, self._most = made, value, most

    def row(self, before: Placement, everywhere: Sequence[Placement]) -> tuple[Cell, ...]:
        return tuple(
            Cell("void") if before == after == NOWHERE else self._cell(f"{before} => {after}")
            for after in everywhere
        )

    def _cell(self, label: str) -> Cell:
        made = self._made.get(label)
        if not made:
            return Cell("none", title=f"{label}: not made")
        verdict = in_sum(map(_verdict, made), of_nothing=Verdict.UNKNOWN)
        number, *_ = next(each for each in made if _verdict(each) is verdict)
        values = [self._value(switch) for *_, switch in made if switch]
        worst = max((each for each in values if each is not None), default=None)
        return Cell(
            tone=verdict.value,
            mark=MARKS[verdict],
            text="" if worst is None else f"{worst:.1f}",
            shade=round(SHADES * worst / self._most) if worst and self._most else 0,
            title=_title(label, made, verdict, worst),
            scenario=number,
        )


def _title(label: str, made: Sequence[Made], verdict: Verdict, worst: float | None) -> str:
    _, scenario, switch = made[0]
    kind = switch.kind if switch else scenario.kind
    often = f", {len(made)} times" if len(made) > 1 else ""
    return f"{kind}: {label}{often}: {verdict}, {seconds(worst)}"


def _by_label(results: Results) -> Mapping[str, list[Made]]:
    made: dict[str, list[Made]] = defaultdict(list)
    for number, scenario in enumerate(results.scenarios):
        for switch in scenario.switches:
            made[switch.label].append((number, scenario, switch))
        if scenario.kind and all(switch.label != scenario.case for switch in scenario.switches):
            made[scenario.case].append((number, scenario, None))  # it did not come so far
    return made


def _verdict(made: Made) -> Verdict:
    _, scenario, switch = made
    return switch.verdict if switch else scenario.verdict


def _nodes_of(made: Mapping[str, object]) -> list[str]:
    places = {place for label in made for place in label.split(" => ")} - {str(NOWHERE)}
    return sorted({node for place in places for node in place.split("/")})


def _measure(results: Results) -> tuple[str, Callable[[SwitchRecord], float | None]]:
    if any(switch.downtime for switch in results.switches):
        return "downtime", away
    return "time to settle (downtime was not measured)", lambda switch: switch.seconds


def away(switch: SwitchRecord) -> float | None:
    """Tell how long the route was away that was away longest."""
    return switch.worst_downtime[1].seconds if switch.worst_downtime else None


def switches_by_kind(
    results: Results, value: Callable[[SwitchRecord], float | None]
) -> Iterator[tuple[str, list[tuple[float, SwitchRecord]]]]:
    """Yield each kind that has values, with the values and their switches."""
    found: dict[str, list[tuple[float, SwitchRecord]]] = defaultdict(list)
    for switch in results.switches:
        worth = value(switch)
        if worth is not None:
            found[switch.kind].append((worth, switch))
    yield from sorted(found.items())
