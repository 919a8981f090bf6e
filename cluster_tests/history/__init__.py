"""All runs of a results directory, compared: what is new, what is flaky, what became slower.

values     what a comparison says
comparing  how it is judged (pure)
store      one SQLite file beside the runs' directories; it can be made anew from them
"""
