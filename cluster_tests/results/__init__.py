"""What a run found, written down while it runs: values, where they are kept, how they are read.

values      frozen: a run, its scenarios, their sentences and switches, what happened in each
verdict     what a result says, and the exit code of each verdict
switch_log  switches since the recorder last looked; the witness adds what it learns later
place       where a run's directory is
writer      run.json, scenarios.jsonl and timelines/, each complete at every moment
reader      the same back as values
merging     several runs (the shards of one, for instance) as one
"""
