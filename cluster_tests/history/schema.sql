-- Made anew from the runs' directories when it changes: cluster-tests history --rebuild
CREATE TABLE IF NOT EXISTS run (
    run_id TEXT PRIMARY KEY, started TEXT NOT NULL, cluster TEXT NOT NULL, version TEXT NOT NULL,
    verdict TEXT, own_share REAL
);
-- The runs that were joined to a run: what they found is in that one, and counts once.
CREATE TABLE IF NOT EXISTS part (
    part_id TEXT NOT NULL, run_id TEXT NOT NULL REFERENCES run ON DELETE CASCADE
);
CREATE TABLE IF NOT EXISTS scenario (
    run_id TEXT NOT NULL REFERENCES run ON DELETE CASCADE,
    id TEXT NOT NULL, example TEXT NOT NULL, kind TEXT, verdict TEXT NOT NULL, seconds REAL NOT NULL
);
CREATE TABLE IF NOT EXISTS switch (
    run_id TEXT NOT NULL REFERENCES run ON DELETE CASCADE,
    scenario TEXT NOT NULL, kind TEXT NOT NULL, before TEXT NOT NULL, after TEXT NOT NULL,
    verdict TEXT NOT NULL, seconds REAL NOT NULL, downtime REAL, acknowledged INTEGER, lost INTEGER
);
CREATE INDEX IF NOT EXISTS scenario_of_run ON scenario (run_id);
CREATE INDEX IF NOT EXISTS switch_of_run ON switch (run_id);
