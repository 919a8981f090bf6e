"""Breaks that a tour must notice, and what it then says of a step."""

from __future__ import annotations

from breaking import Break

IN_TOURS = (
    Break(
        name="empty-start-on-tour",
        how="the new master starts with empty volumes, and with a cache of an earlier time",
        spec="tour nowhere => core3/core4 => core4/core3",
        sentences=(
            "should_have_every_record_since_the_last_destroy_over_http",
            "should_have_every_record_since_the_last_destroy_over_ssh",
        ),
        file="steps/transfer.py",
        old="if item[0] in wanted])",
        new='if item[0] in wanted and not item[0].endswith(("_db", "_files"))])',
    ),
    Break(
        name="stale-cache-on-tour",
        how="the new master's cache volume holds what an earlier time left there",
        spec="tour nowhere => core3 => core1",
        sentences=("should_lose_the_cache_with_its_node",),
        file="steps/running.py",
        old="    work.tools.compose.start(work.checkout)\n",
        new=(
            "    work.tools.compose.start(work.checkout)\n"
            "    if work.record:\n"
            '        stale = ["sh", "-c", "echo stale > /srv/cache/content"]\n'
            '        command = ["docker", "exec", work.containers["app"], *stale]\n'
            "        run(command, timeout=10)\n"
        ),
    ),
    Break(
        name="destroy-ignored-on-tour",
        how="no node does anything when an application is destroyed",
        spec="tour nowhere => core2/core1 => nowhere",
        sentences=("should_settle_as_the_oracle_says", "should_find_nobody_after_a_destroy"),
        file="plan.py",
        old="        return _SWEEP if before == NOWHERE else _DESTROY[old]",
        new="        return Plan((), ())",
    ),
)
