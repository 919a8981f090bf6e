from pathlib import Path

from cluster_tests.lab.hosts import capabilities


def process(root: Path, number: int, name: str, bounding: int) -> None:
    (root / str(number)).mkdir()
    (root / str(number) / "comm").write_text(f"{name}\n")
    (root / str(number) / "status").write_text(f"Name:\t{name}\nCapBnd:\t{bounding:016x}\n")


def test_what_the_engine_lacks_is_not_asked_for(tmp_path: Path) -> None:
    everything = (1 << 41) - 1
    process(tmp_path, 7, "dockerd", everything & ~(1 << 24))
    assert "SYS_RESOURCE" not in capabilities(tmp_path)
    assert "SYS_ADMIN" in capabilities(tmp_path)


def test_other_processes_do_not_count(tmp_path: Path) -> None:
    process(tmp_path, 3, "sh", 0)
    process(tmp_path, 7, "dockerd", (1 << 41) - 1)
    assert "SYS_RESOURCE" in capabilities(tmp_path)


def test_an_engine_that_cannot_be_seen_is_taken_to_have_all(tmp_path: Path) -> None:
    assert {"SYS_RESOURCE", "NET_ADMIN", "CHOWN"} <= set(capabilities(tmp_path))
