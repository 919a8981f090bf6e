"""Sentences that no break of a lab can turn red, each with its reason and where it was seen red."""

from __future__ import annotations

SEEN_OTHERWISE = {
    "should_run_the_containers_of_the_infrastructure": (
        "a run refuses to begin without them and names them (`consul-stopped` below); this sentence"
        " is for one that stops between then and the question:"
        " `tests/cases/test_infrastructure_sentences.py`"
    ),
    "should_have_the_volume_plugin_enabled": (
        "a run refuses to begin without it (`plugin-disabled` below); this sentence is for one that"
        " is disabled between then and the question: the same test"
    ),
}
