"""A run's results as frozen values; docs/results.md describes them as files.

Times are ISO 8601 in UTC, durations seconds. None means "not measured" wherever a number is
expected: it is shown so, and never as 0.
"""

from __future__ import annotations

# Not only for the type checker: the reader builds its parser from these annotations.
from collections.abc import Mapping  # noqa: TC003
from dataclasses import dataclass, field

from cluster_tests.results.verdict import Verdict  # noqa: TC001 - the same

FORMAT = 1  # of all files of a run; a reader refuses another


@dataclass(frozen=True)
class Writes:
    """What became of the numbered records that clients wrote during a switch.

    ``lost`` were acknowledged and are gone, ``recovered`` were of unknown fate and are there,
    ``unexpected`` are there and were refused, or are nobody's.
    """

    attempted: int = 0
    acknowledged: int = 0
    failed: int = 0
    unknown: int = 0
    lost: int = 0
    recovered: int = 0
    unexpected: int = 0


@dataclass(frozen=True)
class Downtime:
    """How long one route was away, as its clients saw it; the maintenance page's part apart.

    ``resolution`` is how late its ends may have been seen, ``budget`` what is allowed.
    """

    seconds: float
    maintenance_seconds: float | None = None
    worst_node: str | None = None
    resolution: float | None = None
    budget: float | None = None


@dataclass(frozen=True)
class Event:
    """Something that happened during a switch, on the harness's clock (seconds since 1970).

    ``until`` is its end where it lasted; ``layer`` who saw it, as ``LAYERS`` lists them;
    ``failed`` whether it went wrong, as who saw it understood it.
    """

    at: float
    layer: str
    what: str
    node: str | None = None
    until: float | None = None
    failed: bool = False


LAYERS = ("spec", "event", "agent", "kv", "service", "container", "snapshot", "proxy", "witness")


@dataclass(frozen=True)
class SwitchRecord:
    """One switch: from asking to having settled, or to the deadline where it did not.

    ``timeline`` is the path of its events below the run's directory; ``downtime`` is by route,
    ``traces`` tell of each lost write where it went.
    """

    before: str
    after: str
    kind: str
    started: str
    seconds: float
    settled: bool
    verdict: Verdict
    timeline: str | None = None
    writes: Writes | None = None
    downtime: Mapping[str, Downtime] | None = None
    traces: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        """The switch as operators write it: ``core4/core2 => core1/core2``."""
        return f"{self.before} => {self.after}"

    @property
    def worst_downtime(self) -> tuple[str, Downtime] | None:
        """The route that was away longest; None where none was measured."""
        routes = (self.downtime or {}).items()
        return max(routes, key=lambda each: each[1].seconds, default=None)


@dataclass(frozen=True)
class SentenceRecord:
    """One sentence of a scenario: whether it held, and else what was found."""

    name: str
    verdict: Verdict
    message: str = ""
    seconds: float | None = None


SWITCH = "switch"
"""The step of a ``StepError`` that tells that a switch did not settle, and why."""


@dataclass(frozen=True)
class StepError:
    """What went wrong in a scenario outside of its sentences: in its given, because or cleanup.

    A switch that did not settle is raised by the cleanup, once the sentences have told what is
    wrong; it comes before them, and so it is a step of its own: ``SWITCH``.
    """

    step: str
    verdict: Verdict
    message: str


@dataclass(frozen=True)
class ScenarioRecord:
    """One executed context: a spec class with one of its examples, or a step of a tour.

    ``id`` and ``tags`` are the catalogue's, ``case`` what it is about, ``kind`` that of its switch.
    ``evidence`` is a path below the run's directory, ``repeat`` the command that runs it alone.
    ``shard`` tells in a merged run where it was run.
    """

    id: str
    class_name: str
    file: str
    case: str
    verdict: Verdict
    started: str
    seconds: float
    repeat: str
    kind: str | None = None
    tags: tuple[str, ...] = ()
    example: str | None = None
    sentences: tuple[SentenceRecord, ...] = ()
    errors: tuple[StepError, ...] = ()
    switches: tuple[SwitchRecord, ...] = ()
    evidence: str | None = None
    shard: str | None = None


@dataclass(frozen=True)
class Share:
    """Whose time the run's was: the harness's own part (0 to 1), and all of it in words."""

    own: float
    lines: tuple[str, ...] = ()


@dataclass(frozen=True)
class RunRecord:
    """One run. ``ended`` and ``verdict`` are None while it lasts, and for ever if it was killed.

    ``version`` is that of the cluster under test, "" where nobody told it. ``planned`` are the IDs
    of all scenarios that were to run. ``shard`` ("1/3") says that they are a part of more, and
    ``split`` how the whole was split. ``parts`` are the runs that were merged into this one.
    ``errors`` belong to no scenario.
    """

    run_id: str
    command: tuple[str, ...]
    started: str
    cluster: str = ""
    version: str = ""
    nodes: tuple[str, ...] = ()
    seed: int | None = None
    ended: str | None = None
    verdict: Verdict | None = None
    exit_code: int | None = None
    share: Share | None = None
    shard: str | None = None
    split: str | None = None
    planned: tuple[str, ...] = ()
    parts: tuple[str, ...] = ()
    errors: tuple[str, ...] = ()
    format: int = field(default=FORMAT)


@dataclass(frozen=True)
class Kept:
    """One part of a failure's evidence: its file, or why there is none (``missing``).

    ``where`` is the node, "consul", or "" for what is of no node; ``bytes`` were kept of it after
    ``seconds``. Of a ``shortened`` one only the end was.
    """

    where: str
    name: str
    bytes: int
    seconds: float
    missing: str = ""
    shortened: bool = False


@dataclass(frozen=True)
class Results:
    """A run with its scenarios, and the events of its switches by ``SwitchRecord.timeline``.

    ``evidence`` is what was kept of a failure, by ``ScenarioRecord.evidence``, where it was listed.
    """

    run: RunRecord
    scenarios: tuple[ScenarioRecord, ...]
    timelines: Mapping[str, tuple[Event, ...]] = field(default_factory=dict)
    evidence: Mapping[str, tuple[Kept, ...]] = field(default_factory=dict)

    @property
    def switches(self) -> tuple[SwitchRecord, ...]:
        """All switches, in the order in which they were made."""
        return tuple(switch for scenario in self.scenarios for switch in scenario.switches)

    @property
    def not_run(self) -> tuple[str, ...]:
        """The IDs that were planned and of which nothing was run."""
        ran = {scenario.id for scenario in self.scenarios}
        return tuple(each for each in self.run.planned if each not in ran)
