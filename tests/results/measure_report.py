"""How big the report of a full tour (288 switches) is, and how long Chromium takes to open it.

    python tests/results/measure_report.py [ROUNDS]

Prints the page's size, and the medians of what the browser measures of itself (Navigation Timing):
until the page can be used, and until all of it is loaded. The goals are 2 s and 5 MB.
"""

from __future__ import annotations

import sys
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from browser import show, start
from synthetic import a_tour

from cluster_tests.reporting.concluding import conclude

_ROUNDS = 5
_TIMING = """
const [times] = performance.getEntriesByType("navigation");
return [times.domInteractive, times.loadEventEnd].map((each) => each / 1000);
"""


def main(rounds: int) -> None:
    """Measure and print."""
    with TemporaryDirectory() as folder:
        a_tour(Path(folder) / "r")
        report = conclude(Path(folder) / "r")
        chromium = start()
        try:
            times = [show(chromium, report).execute_script(_TIMING) for _ in range(rounds)]
        finally:
            chromium.quit()
        usable, loaded = (median(each) for each in zip(*times, strict=True))
        megabytes = report.stat().st_size / 1e6
    sys.stdout.write(
        f"288 switches: {megabytes:.1f} MB; usable after {usable:.2f} s, loaded after"
        f" {loaded:.2f} s (medians of {rounds})\n"
    )


if __name__ == "__main__":
    main(int(sys.argv[1]) if sys.argv[1:] else _ROUNDS)
