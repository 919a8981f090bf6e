"""Tours: many switches of one application after each other, with no reset between them.

plan      which switches, in which order (pure)
paper     a plan as a file, a placement as text
stage     one application on tour: a step, and a clean start after one that failed
tour      all steps, in order, until done or interrupted
matrix    verdicts and durations by placement before and after
recording what becomes of each step, as a run's results
commands  `cluster-tests tour`
"""
