"""Results that no run made: as a tour, or as spec classes, or hostile; repeatable by a seed."""

from __future__ import annotations

import json
import random
from dataclasses import asdict, replace
from typing import TYPE_CHECKING

from cluster_tests.model import NOWHERE
from cluster_tests.results.place import INDEX, utc_text
from cluster_tests.results.values import (
    LAYERS,
    Downtime,
    Event,
    Kept,
    Results,
    RunRecord,
    ScenarioRecord,
    SentenceRecord,
    Share,
    StepError,
    SwitchRecord,
    Writes,
)
from cluster_tests.results.verdict import Verdict
from cluster_tests.results.writer import RunWriter
from cluster_tests.tour.plan import full_circuit

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from cluster_tests.model import Switch

NODES = ("core1", "core2", "core3", "core4")
BEGIN = 1_795_270_000.0  # 2026-11-21
HOSTILE = "</script><script>document.title='owned'</script><img src=x onerror=alert(1)> &\x00\x1b["
_AGENT = ("stop", "last snapshot", "send", "restore", "start", "publish", "schedule")


def a_run(run_id: str = "20261121-120000-0001", **fields: object) -> RunRecord:
    run = RunRecord(
        run_id=run_id,
        command=("run-contexts", "specs/", "-v", "-s"),
        started=utc_text(BEGIN),
        cluster="lab",
        version="cluster 1a2b3c4d5e6f",
        nodes=NODES,
        seed=4711,
        ended=utc_text(BEGIN + 1234.5),
        verdict=Verdict.PASS,
        exit_code=0,
        share=Share(0.087, ("time: 1234.5 s; the cluster switched 1000.1 s",)),
    )
    return replace(run, **fields)  # type: ignore[arg-type]


def a_scenario(verdict: Verdict = Verdict.PASS, **fields: object) -> ScenarioRecord:
    message = "" if verdict is Verdict.PASS else "core3: over HTTP: record 17 is lost"
    scenario = ScenarioRecord(
        id="a-thing-happens",
        class_name="WhenAThingHappens",
        file="specs/a_specs.py",
        case="a thing: it happens",
        verdict=verdict,
        started=utc_text(BEGIN),
        seconds=1.5,
        repeat="run-contexts specs/a_specs.py:WhenAThingHappens -v -s --seed 4711",
        tags=("a",),
        sentences=(
            SentenceRecord("should settle", Verdict.PASS, seconds=0.1),
            SentenceRecord("should keep its data", verdict, message, seconds=0.2),
        ),
    )
    return replace(scenario, **fields)  # type: ignore[arg-type]


def a_switch(verdict: Verdict = Verdict.PASS, **fields: object) -> SwitchRecord:
    switch = SwitchRecord(
        before="core1/core2",
        after="core2/core1",
        kind="swap",
        started=utc_text(BEGIN),
        seconds=2.25,
        settled=True,
        verdict=verdict,
        writes=Writes(attempted=100, acknowledged=90, failed=8, unknown=2, lost=0, recovered=1),
        downtime={
            "http": Downtime(1.25, 0.9, "core3", resolution=0.02, budget=5.0),
            "ssh": Downtime(0.75, None, "core1"),
        },
    )
    return replace(switch, **fields)  # type: ignore[arg-type]


def a_case(switch: Switch, number: int, chance: random.Random) -> ScenarioRecord:
    """A step of a tour: most hold, a few fail, fewer are unknown."""
    fate = chance.choices([Verdict.PASS, Verdict.FAIL, Verdict.UNKNOWN], [96, 3, 1])[0]
    record = a_switch(
        fate,
        before=str(switch.before),
        after=str(switch.after),
        kind=switch.kind.value,
        seconds=round(1.5 + chance.gammavariate(3, 0.4), 3),
        settled=fate is not Verdict.UNKNOWN,
        downtime=None if switch.before == NOWHERE else _away(chance),
    )
    return a_scenario(
        fate,
        id=f"tour: {switch}",
        class_name=f"step {number}",
        file="tour full",
        kind=switch.kind.value,
        case=str(switch),
        evidence="evidence/step-001" if fate is Verdict.FAIL else None,
        repeat=f"cluster-tests tour --plan results/X/plan.json --from {number}",
        errors=(StepError("given", fate, "core2: no answer"),) if fate is Verdict.UNKNOWN else (),
        switches=(record,),
    )


def _away(chance: random.Random) -> dict[str, Downtime]:
    away = chance.gammavariate(6, 0.25)
    maintenance = round(away * 0.8, 3)
    return {"http": Downtime(round(away, 3), maintenance, chance.choice(NODES), 0.02)}


def events(switch: SwitchRecord, chance: random.Random, attempts: int = 60) -> list[Event]:
    """What happened in a switch: phases, the agents' steps, and a witness who asks and asks."""
    end = BEGIN + switch.seconds
    found = [Event(BEGIN, "event", "deploy sent"), Event(BEGIN, "spec", "settling", until=end)]
    for node in NODES:
        at = BEGIN + chance.random() * 0.2
        for step in _AGENT:
            lasting = chance.random() * 0.3
            found.append(Event(at, "agent", f"{step} of ledger", node, at + lasting))
            layer = chance.choice(LAYERS[3:8])
            found.append(Event(at + lasting, layer, f"after {step}", node))
            at += lasting
    for number in range(attempts):
        at = BEGIN + switch.seconds * number / attempts
        away = 0.3 < number / attempts < 0.6
        what = "write failed: 503" if away else chance.choice(["write acknowledged", "read"])
        found.append(Event(at, "witness", what, NODES[number % 4], at + 0.01, away))
    return found


def a_tour(
    directory: Path, seed: int = 1, *, limit: int | None = None, **fields: object
) -> Results:
    """A full tour on four nodes, written to ``directory`` as a run writes it."""
    chance = random.Random(seed)  # noqa: S311 - repeatable, and no secret
    steps = list(full_circuit(NODES, seed))[:limit]
    scenarios = [a_case(step, number, chance) for number, step in enumerate(steps, start=1)]
    run = a_run(directory.name, verdict=Verdict.FAIL, exit_code=1, **fields)
    return written(directory, run, scenarios, chance)


# Of a node that stopped: what the others told, and how it differs.
KEPT = (
    Kept("", "observation.txt", 20, 0.3),
    *(Kept(node, name, 20, 0.1) for node in NODES[:3] for name in ("caddy.json", "consul.log")),
    *(Kept("core4", name, 0, 9.0, HOSTILE) for name in ("caddy.json", "consul.log")),
    Kept("core4", "disk.txt", 0, 0.1, "NodeError: core4: the engine does not answer\n  to mend it"),
)


def keep(evidence: Path) -> None:
    """Write evidence as the suite does."""
    evidence.mkdir(parents=True, exist_ok=True)
    (evidence / INDEX).write_text(json.dumps([asdict(each) for each in KEPT]))
    for each in KEPT:
        if not each.missing:
            (evidence / each.where).mkdir(exist_ok=True)
            (evidence / each.where / each.name).write_text("what the nodes said\n")


def written(
    directory: Path,
    run: RunRecord,
    scenarios: Sequence[ScenarioRecord],
    chance: random.Random | None = None,
) -> Results:
    """Write a run down; with ``chance``, each switch has a timeline."""
    writer = RunWriter(directory)
    writer.run(run)
    for scenario in scenarios:
        switches = [(each, events(each, chance) if chance else []) for each in scenario.switches]
        writer.scenario(replace(scenario, switches=()), switches)
        if scenario.evidence:
            keep(directory / scenario.evidence)
    return Results(run, tuple(scenarios))
