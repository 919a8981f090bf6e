"""``cluster-tests tunnels``: all ways into a cluster, held open for people and their commands.

From top to bottom: ``commands``; ``staying`` (until somebody ends it) and ``child`` (a command
inside); ``table`` and ``told`` (how it is shown); ``opened`` (what is forwarded, and where it came
out); ``ending`` (signals).
"""
