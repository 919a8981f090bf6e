"""The history of a results directory: one SQLite file, a row per run, scenario and switch.

It holds nothing that the runs' directories do not: ``rebuild`` makes it anew. A shard is a part of
a run, so it is left out; the merged run stands for it.
"""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from contextlib import closing, contextmanager
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from cluster_tests.errors import HarnessError, UsageError
from cluster_tests.history.comparing import changed, flaky, slower, worst_of_each
from cluster_tests.history.values import PastRun, Standing
from cluster_tests.results.verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from cluster_tests.results.values import Results, SwitchRecord

FILE = "history.sqlite"
_SCHEMA = Path(__file__).with_name("schema.sql")
_SCHEMA_VERSION = 2  # 1 knew no parts; all that 2 adds is a table
_PATIENCE = 30  # seconds to wait for another run that is writing
_COMPARED = 50  # earlier runs that a run is compared with, at most
_DURATIONS_OF = 10  # runs whose durations say how long a spec class takes
_PAST = """
    SELECT run.run_id, started, cluster, version, run.verdict,
        (SELECT count(*) FROM scenario WHERE run_id = run.run_id),
        (SELECT count(*) FROM scenario WHERE run_id = run.run_id AND verdict = 'fail'),
        (SELECT count(*) FROM scenario WHERE run_id = run.run_id AND verdict = 'unknown'),
        count(switch.run_id), NULL, max(downtime), sum(acknowledged), sum(lost), own_share
    FROM run LEFT JOIN switch USING (run_id)
    WHERE (:cluster IS NULL OR cluster = :cluster) AND started <= :until
    GROUP BY run.run_id ORDER BY started DESC, run.run_id DESC LIMIT :last
"""


class History:
    """The history beside the runs' directories below ``root``; the file is made when needed.

    Every method raises ``HarnessError`` where the file cannot be used, and ``UsageError`` where it
    is of another version of this project.
    """

    def __init__(self, root: Path, *, patience: float = _PATIENCE) -> None:
        """Use the file in ``root``; nothing is opened yet.

        ``patience`` is how many seconds to wait for another run that is writing.
        """
        self.path = root / FILE
        self._patience = patience

    def add(self, results: Results) -> None:
        """Add a run, or replace what is known of it; it takes the place of its parts."""
        run = results.run
        if run.shard is not None:
            return
        with self._open() as database:
            if _is_part(database, run.run_id):
                return
            gone = [[run_id] for run_id in (run.run_id, *run.parts)]
            database.executemany("DELETE FROM run WHERE run_id = ?", gone)
            own_share = run.share.own if run.share else None
            row = [run.run_id, run.started, run.cluster, run.version, run.verdict, own_share]
            database.execute("INSERT INTO run VALUES (?, ?, ?, ?, ?, ?)", row)
            parts = [(part, run.run_id) for part in run.parts]
            database.executemany("INSERT INTO part VALUES (?, ?)", parts)
            database.executemany(
                "INSERT INTO scenario VALUES (?, ?, ?, ?, ?, ?)",
                [
                    (run.run_id, each.id, each.example or "", each.kind, each.verdict, each.seconds)
                    for each in results.scenarios
                ],
            )
            database.executemany(
                "INSERT INTO switch VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                [
                    (run.run_id, scenario.id, *_switch_row(switch))
                    for scenario in results.scenarios
                    for switch in scenario.switches
                ],
            )

    def runs(self, *, cluster: str | None = None, until: str = "~", last: int) -> list[PastRun]:
        """List the ``last`` runs, the oldest first: of a ``cluster``, started at ``until``."""
        with self._open() as database:
            asked = {"cluster": cluster, "until": until, "last": last}
            rows = database.execute(_PAST, asked).fetchall()
            return [self._past_run(database, row) for row in reversed(rows)]

    def standing(self, run_id: str) -> Standing:
        """Compare a run with the earlier ones of its cluster; a run that is not known with none."""
        with self._open() as database:
            known = database.execute(
                "SELECT cluster, started FROM run WHERE run_id = ?", [run_id]
            ).fetchone()
        if known is None:
            return Standing()
        runs = self.runs(cluster=known[0], until=known[1], last=_COMPARED)
        return self._compared([run for run in runs if run.run_id != run_id], runs, run_id)

    def durations(self) -> dict[str, float]:
        """Tell how long each spec class took, with all its examples: the median of the last runs.

        A history that is not there knows none, and is not made.
        """
        if not self.path.exists():
            return {}
        with self._open() as database:
            rows = database.execute(
                "SELECT id, sum(seconds) FROM scenario JOIN run USING (run_id)"
                " WHERE scenario.verdict = 'pass' GROUP BY run_id, id ORDER BY started DESC"
            ).fetchall()
        found: dict[str, list[float]] = defaultdict(list)
        for name, seconds in rows:
            found[name].append(seconds)
        return {name: median(seconds[:_DURATIONS_OF]) for name, seconds in found.items()}

    def _compared(self, earlier: Sequence[PastRun], runs: list[PastRun], run_id: str) -> Standing:
        [this] = [run for run in runs if run.run_id == run_id]
        in_order = [*earlier, this]
        with self._open() as database:
            verdicts = [worst_of_each(_verdicts(database, run)) for run in in_order]
            settled = [_seconds(database, run, "seconds") for run in in_order]
            away = [_seconds(database, run, "downtime") for run in in_order]
        alike = [
            found
            for run, found in zip(in_order, verdicts, strict=True)
            if this.version and run.version == this.version
        ]
        return Standing(
            trend=tuple(in_order),
            new_failures=changed(verdicts, None, Verdict.FAIL),
            mended=changed(verdicts, Verdict.FAIL, Verdict.PASS),
            flaky=flaky(alike),
            slower=(*slower("to settle", settled), *slower("away", away)),
        )

    def _past_run(self, database: sqlite3.Connection, row: tuple[Any, ...]) -> PastRun:
        run_id, started, cluster, version, verdict, *rest = row
        rows = database.execute("SELECT seconds FROM switch WHERE run_id = ?", [run_id])
        seconds = [each for (each,) in rows]
        rest[4] = median(seconds) if seconds else None
        judged = Verdict(verdict) if verdict else None
        return PastRun(run_id, started, cluster, version, judged, *rest)

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with closing(sqlite3.connect(self.path, timeout=self._patience)) as database, database:
                database.execute("PRAGMA foreign_keys = ON")
                self._prepare(database)
                yield database
        except (sqlite3.Error, OSError) as error:
            raise HarnessError(
                f"the history {self.path} cannot be used: {error}",
                remedy=f"move it away and make it anew: rm {self.path} && cluster-tests history"
                " --rebuild",
            ) from error

    def _prepare(self, database: sqlite3.Connection) -> None:
        [version] = database.execute("PRAGMA user_version").fetchone()
        if version < _SCHEMA_VERSION:
            text = _SCHEMA.read_text(encoding="utf-8")
            # One transaction, and nothing to do for a run that was faster: it waits for the lock.
            database.executescript(
                f"BEGIN IMMEDIATE; {text}; PRAGMA user_version = {_SCHEMA_VERSION}; COMMIT;"
            )
            database.execute("PRAGMA foreign_keys = ON")
        elif version != _SCHEMA_VERSION:
            raise UsageError(
                f"{self.path} is of another version ({version}, this one reads {_SCHEMA_VERSION})",
                remedy=f"rm {self.path} && cluster-tests history --rebuild",
            )


def _is_part(database: sqlite3.Connection, run_id: str) -> bool:
    found = database.execute("SELECT 1 FROM part WHERE part_id = ? LIMIT 1", [run_id])
    return found.fetchone() is not None


def _switch_row(switch: SwitchRecord) -> tuple[object, ...]:
    away, writes = switch.worst_downtime, switch.writes
    return (
        switch.kind,
        switch.before,
        switch.after,
        switch.verdict,
        switch.seconds,
        away[1].seconds if away else None,
        writes.acknowledged if writes else None,
        writes.lost if writes else None,
    )


def _verdicts(database: sqlite3.Connection, run: PastRun) -> list[tuple[str, str, str]]:
    return database.execute(
        "SELECT id, example, verdict FROM scenario WHERE run_id = ?", [run.run_id]
    ).fetchall()


def _seconds(database: sqlite3.Connection, run: PastRun, column: str) -> dict[str, list[float]]:
    rows = database.execute(
        f"SELECT kind, {column} FROM switch"  # noqa: S608 - a column's name, from above
        " WHERE run_id = ? AND verdict = 'pass'",
        [run.run_id],
    )
    found: dict[str, list[float]] = defaultdict(list)
    for kind, seconds in rows:
        if seconds is not None:
            found[kind].append(seconds)
    return found
