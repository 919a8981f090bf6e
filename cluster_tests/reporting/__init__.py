"""What people and CI systems read of a run: made from its directory, and from nothing else.

recorder    writes a run down while it lasts (plugin and tour use it)
keeping     what becomes of a run that cannot be written down
concluding  report.html, junit.xml, summary.md and the history, from a run's directory
page        what report.html shows, as values; html fills the templates with it
matrix, charts, tracks   parts of the page: the matrix, distributions, timelines
junit       JUnit XML
summary     a summary in Markdown
commands    `cluster-tests report`, `history` and `merge`
"""
