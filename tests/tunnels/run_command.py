"""Runs ``cluster-tests`` with the engine's socket at another path: ``run_command.py PATH ARG…``."""

from __future__ import annotations

import sys

from cluster_tests.cli import main
from cluster_tests.session import access

if __name__ == "__main__":
    access._ENGINE_SOCKET = sys.argv.pop(1)
    main()
