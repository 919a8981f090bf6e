import io

from rich.console import Console

from cluster_tests.lab.progress import LineProgress, TableProgress, progress_on


def test_a_log_gets_plain_timed_lines() -> None:
    out = io.StringIO()
    with progress_on(Console(file=out)) as progress:
        progress.step("core1", "starting [1/2]")
    assert isinstance(progress, LineProgress)
    assert out.getvalue().endswith(" s] core1: starting [1/2]\n")


def test_a_terminal_gets_one_row_a_subject() -> None:
    out = io.StringIO()
    with progress_on(Console(file=out, force_terminal=True, width=80)) as progress:
        progress.step("core1", "starting")
        progress.step("core1", "ready")
    assert isinstance(progress, TableProgress)
    last_frame = out.getvalue().rsplit("\x1b[2K", 1)[-1]
    assert "ready" in last_frame
    assert "starting" not in last_frame
