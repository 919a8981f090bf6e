from pathlib import Path

from cluster_tests.lab.images import Recipe


def recipe(directory: Path, **changes: object) -> Recipe:
    values: dict[str, object] = {"name": "node", "directory": directory, "arguments": {"A": "1"}}
    return Recipe(**(values | changes))  # type: ignore[arg-type]


def context(directory: Path) -> Path:
    (directory / "Dockerfile").write_text("FROM x\n")
    (directory / "boot.sh").write_text("true\n")
    return directory


def test_an_image_is_recognised_by_everything_that_goes_in(tmp_path: Path) -> None:
    first = recipe(context(tmp_path)).tag
    assert first == recipe(tmp_path).tag
    assert recipe(tmp_path, arguments={"A": "2"}).tag != first
    assert recipe(tmp_path, extra={"wheels/a.whl": b"x"}).tag != first
    (tmp_path / "boot.sh").write_text("false\n")
    assert recipe(tmp_path).tag != first


def test_a_changed_mode_makes_another_image(tmp_path: Path) -> None:
    first = recipe(context(tmp_path)).tag
    (tmp_path / "boot.sh").chmod(0o755)
    assert recipe(tmp_path).tag != first


def test_leftovers_of_python_do_not_count(tmp_path: Path) -> None:
    first = recipe(context(tmp_path)).tag
    (tmp_path / "__pycache__").mkdir()
    (tmp_path / "__pycache__/x.pyc").write_bytes(b"x")
    assert recipe(tmp_path).tag == first
