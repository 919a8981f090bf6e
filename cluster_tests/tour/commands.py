"""``cluster-tests tour``: plan, walk, and draw what came of it."""

from __future__ import annotations

import os
import random
from argparse import Namespace
from pathlib import Path  # noqa: TC003 - the command line is made from the annotations
from typing import TYPE_CHECKING, Annotated

import typer

from cluster_tests.errors import ClusterTestsError, UsageError
from cluster_tests.plugin.interrupts import Interrupted, interrupts
from cluster_tests.plugin.options import inventory_source
from cluster_tests.report import say
from cluster_tests.results.verdict import Verdict, in_sum
from cluster_tests.tour import matrix
from cluster_tests.tour.paper import Plan, load_plan
from cluster_tests.tour.plan import full_circuit, kinds_circuit, random_walk

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from cluster_tests.session.session import Session
    from cluster_tests.tour.tour import Result, Tour

_SEEDS = 1_000_000  # short enough to be typed


def tour(  # noqa: PLR0913 - the command line's options
    *,
    kinds: Annotated[
        bool, typer.Option("--kinds", help="A switch of each kind: 19 on four nodes.")
    ] = False,
    full: Annotated[
        bool,
        typer.Option(
            "--full",
            help="Every switch once: 288 on four nodes. The number grows with the fourth power of"
            " the nodes' (675 on five, 1368 on six): there --kinds is the one to take.",
        ),
    ] = False,
    random_: Annotated[
        int | None, typer.Option("--random", metavar="N", help="N switches by chance.")
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Repeat the plan of the tour with it.")] = None,
    plan: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Take the plan that a tour saved.")
    ] = None,
    from_: Annotated[
        int, typer.Option("--from", metavar="STEP", help="Begin with this step of --plan.")
    ] = 1,
    inventory: Annotated[
        Path | None, typer.Option(help="The cluster under test; the local lab by default.")
    ] = None,
) -> None:
    """Switch one application again and again, with no reset, and judge every step.

    The plan is printed and saved before the first step. What was acknowledged since the last
    destroy must still be there after each step. A step that fails keeps its evidence, and the
    tour goes on from a clean state.
    """
    # Options first: nothing is brought up or opened for a command line that cannot be meant.
    _require_one(kinds=kinds, full=full, random=random_ is not None, plan=plan is not None)
    saved = load_plan(plan) if plan else None
    if from_ != 1 and saved is None:
        raise UsageError("--from needs the plan it counts in", remedy="add --plan FILE")
    if saved is not None and not 1 <= from_ <= len(saved.steps):
        raise UsageError(f"the plan has steps 1 to {len(saved.steps)}, not {from_}")
    interrupts.catch()
    find = inventory_source(Namespace(inventory=inventory), os.environ)
    chosen = random.SystemRandom().randrange(_SEEDS) if seed is None else seed

    def make(nodes: Sequence[str]) -> Plan:
        if saved is not None:
            return _fitting(saved, nodes)
        if random_ is not None:
            return Plan("random", chosen, tuple(nodes), tuple(random_walk(nodes, random_, chosen)))
        mode, circuit = ("full", full_circuit) if full else ("kinds", kinds_circuit)
        return Plan(mode, chosen, tuple(nodes), tuple(circuit(nodes, chosen)))

    raise typer.Exit(_walk(find(), make, from_))


def _walk(inventory: Path, make: Callable[[Sequence[str]], Plan], first: int) -> int:
    # What a session needs takes a while to load: not for a command line that is refused.
    from cluster_tests.session.session import open_session  # noqa: PLC0415
    from cluster_tests.tour.recording import PLAN, TourRecording  # noqa: PLC0415
    from cluster_tests.tour.stage import Stage  # noqa: PLC0415
    from cluster_tests.tour.tour import Tour  # noqa: PLC0415

    session = open_session(inventory)
    interrupts.run_started()
    try:
        plan = make(session.inventory.node_names)
        recording = TourRecording(session, ["--inventory", str(inventory)])
        _announce(plan, recording.directory / PLAN)
        recording.begin(plan, first)
        stage = Stage(session)
        walked = Tour(session, stage, plan, recording.directory, first=first, tell=recording.step)
        errors = [error for error in (_walked(walked), _closed(session)) if error is not None]
        _draw(session, plan, walked.results, recording.directory / "matrix.json")
        for error in errors:
            recording.went_wrong(error)
        verdict = recording.end(verdict_of_all(walked.results, errors))
    finally:
        interrupts.run_ended()
        session.close()
    say(f"verdict: {verdict}", indent=0)
    return verdict.exit_code


def _walked(tour: Tour) -> Exception | None:
    """Walk; return what ended the tour before its last step, which is told here."""
    try:
        tour.run()
    except Interrupted as error:
        say("interrupted: nothing was left behind", indent=0)
        return error
    except ClusterTestsError as error:
        say(f"error: {error}", indent=0)
        return error
    return None


def _closed(session: Session) -> Exception | None:
    """Close, before the verdict is spoken: what cannot be removed is part of it."""
    interrupts.run_ended()
    try:
        session.close()
    except ClusterTestsError as error:
        say(f"error: {error}", indent=0)
        return error
    return None


def verdict_of_all(results: Sequence[Result], errors: Iterable[Exception]) -> Verdict:
    """Sum a tour up; one in which no step was made proved nothing."""
    from cluster_tests.plugin.verdict import verdict_of  # noqa: PLC0415 - it loads all of Contexts

    verdicts = [*(result.verdict for result in results), *map(verdict_of, errors)]
    return in_sum(verdicts, of_nothing=Verdict.UNKNOWN)


def _announce(plan: Plan, path: Path) -> None:
    plan.save(path)
    say("\n".join(plan.lines()), indent=0)
    again = f"cluster-tests tour --plan {path} --from STEP"
    say(f"saved; to repeat it from any step: {again}", indent=0)


def _draw(session: Session, plan: Plan, results: Sequence[Result], path: Path) -> None:
    matrix.save(plan, results, path)
    lines = [
        *matrix.lines(plan, results),
        matrix.summary(results),
        *session.effort.figures().lines(),
    ]
    say("\n".join(["", *lines, f"as JSON: {path}"]), indent=0)


def _require_one(**chosen: bool) -> None:
    if sum(chosen.values()) != 1:
        raise UsageError(
            "a tour is of one sort",
            remedy="choose one of --kinds, --full, --random N and --plan FILE",
        )


def _fitting(plan: Plan, nodes: Sequence[str]) -> Plan:
    unknown = [node for node in plan.nodes if node not in nodes]
    if unknown:
        raise UsageError(
            f"the plan is for nodes that the inventory does not have: {', '.join(unknown)}",
            remedy=f"plan anew for {', '.join(nodes)}: cluster-tests tour --kinds",
        )
    return plan
