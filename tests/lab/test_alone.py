import contextlib
import threading
from pathlib import Path

from cluster_tests.lab.alone import alone


class Told:
    def __init__(self) -> None:
        self.steps: list[str] = []
        self.waiting = threading.Event()

    def step(self, subject: str, doing: str) -> None:
        self.steps.append(f"{subject}: {doing}")
        self.waiting.set()


def test_a_second_command_waits_for_the_first_and_says_so(tmp_path: Path) -> None:
    first, second = Told(), Told()
    order: list[str] = []

    def later() -> None:
        with alone(tmp_path, second):
            order.append("second")

    thread = threading.Thread(target=later)
    with alone(tmp_path, first):
        thread.start()
        assert second.waiting.wait(10)
        order.append("first")
    thread.join(10)
    assert order == ["first", "second"]
    assert first.steps == []
    assert second.steps == ["lab: another command is changing it: waiting"]


def test_the_lock_is_free_after_an_error(tmp_path: Path) -> None:
    told = Told()
    for _ in range(2):
        with contextlib.suppress(RuntimeError), alone(tmp_path, told):
            raise RuntimeError
    assert told.steps == []
