"""How runs are compared. Runs come as rows, the oldest first; the last one is the one judged.

The noise of a kind of switch is taken from the earlier runs' medians: their median plus three
standard deviations (1.4826 x the median absolute deviation, which a single odd run does not move),
and at least a tenth of it and 0.2 s, because equal runs would leave no noise at all. Fewer than
five earlier runs say nothing about noise.
"""

from __future__ import annotations

from collections import defaultdict
from statistics import median
from typing import TYPE_CHECKING

from cluster_tests.history.values import Flaky, Scenario, Slower
from cluster_tests.results.verdict import Verdict, in_sum

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

ENOUGH_RUNS = 5
_DEVIATIONS = 3
_NORMAL = 1.4826  # median absolute deviation to standard deviation, for normal noise
_LEAST_SHARE = 0.10
_LEAST_SECONDS = 0.2


def worst_of_each(rows: Iterable[tuple[str, str, str]]) -> dict[Scenario, Verdict]:
    """Join rows of ID, example and verdict: what ran twice in a run counts by its worst."""
    found: dict[Scenario, list[Verdict]] = defaultdict(list)
    for name, example, verdict in rows:
        found[Scenario(name, example)].append(Verdict(verdict))
    return {each: in_sum(all_, of_nothing=Verdict.UNKNOWN) for each, all_ in found.items()}


def changed(
    runs: Sequence[Mapping[Scenario, Verdict]], before: Verdict | None, now: Verdict
) -> tuple[Scenario, ...]:
    """List what is ``now`` in the last run and was not when it ran last before it.

    With ``before``, it must have been that. What never ran before has changed, unless ``before``
    asks for more.
    """
    *earlier, last = runs
    return tuple(
        sorted(
            scenario
            for scenario, verdict in last.items()
            if verdict is now and _was(scenario, earlier, before, now)
        )
    )


def _was(
    scenario: Scenario,
    earlier: Sequence[Mapping[Scenario, Verdict]],
    before: Verdict | None,
    now: Verdict,
) -> bool:
    known = next((run[scenario] for run in reversed(earlier) if scenario in run), None)
    return known is not now if before is None else known is before


def flaky(runs: Sequence[Mapping[Scenario, Verdict]]) -> tuple[Flaky, ...]:
    """List what both passed and failed in ``runs``, which must be of one version."""
    found = (
        Flaky(
            scenario,
            passed=sum(run.get(scenario) is Verdict.PASS for run in runs),
            failed=sum(run.get(scenario) is Verdict.FAIL for run in runs),
        )
        for scenario in sorted({scenario for run in runs for scenario in run})
    )
    return tuple(each for each in found if each.passed and each.failed)


def slower(measure: str, runs: Sequence[Mapping[str, Sequence[float]]]) -> Iterator[Slower]:
    """Yield the kinds whose switches took longer in the last run than the noise explains.

    Each run maps kinds to the seconds of their switches.
    """
    *earlier, last = runs
    for kind, seconds in sorted(last.items()):
        past = [median(run[kind]) for run in earlier if run.get(kind)]
        if seconds and len(past) >= ENOUGH_RUNS:
            now, usual, limit = median(seconds), median(past), _limit(past)
            if now > limit:
                yield Slower(kind, measure, now, usual, limit)


def _limit(past: Sequence[float]) -> float:
    usual = median(past)
    deviation = _NORMAL * median(abs(each - usual) for each in past)
    return usual + max(_DEVIATIONS * deviation, _LEAST_SHARE * usual, _LEAST_SECONDS)
