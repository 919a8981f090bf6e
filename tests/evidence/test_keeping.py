"""What is asked of whom: the nodes once, and each application's part beside the others'."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from cluster_tests.evidence.keeping import Subject, keep_evidence
from cluster_tests.model import Application

if TYPE_CHECKING:
    from pathlib import Path

FIRST, SECOND = (Application("http://forge/ledger", branch) for branch in ("one", "two"))


@pytest.fixture
def session() -> Any:  # noqa: ANN401 - a paper session
    consul = SimpleNamespace(
        everything=dict,
        members=lambda: ["core1 alive"],
        registrations=lambda application: {f"a check of {application.branch}"},
    )
    return SimpleNamespace(
        cluster=SimpleNamespace(nodes={}, consul=consul), inventory=SimpleNamespace()
    )


def kept(directory: Path) -> dict[str, str]:
    files = (path for path in directory.glob("*/*") if path.is_file())
    return {str(path.relative_to(directory)): path.read_text() for path in files}


ALWAYS = {"consul/kv.json": "{}", "consul/members.txt": "core1 alive"}


def test_without_an_application_the_nodes_and_consul_are_asked(
    session: Any,  # noqa: ANN401
    tmp_path: Path,
) -> None:
    keep_evidence(session, [], tmp_path, 0.0)
    assert kept(tmp_path) == ALWAYS


def test_of_one_application_files_have_plain_names(session: Any, tmp_path: Path) -> None:  # noqa: ANN401
    keep_evidence(session, [Subject(FIRST, None)], tmp_path, 0.0)
    assert kept(tmp_path) == ALWAYS | {"consul/checks.txt": "a check of one"}


def test_of_several_each_file_says_whose_it_is(
    session: Any,  # noqa: ANN401
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    keep_evidence(session, [Subject(FIRST, None), Subject(SECOND, None)], tmp_path, 0.0)
    assert kept(tmp_path) == ALWAYS | {
        f"consul/{FIRST.name}.checks.txt": "a check of one",
        f"consul/{SECOND.name}.checks.txt": "a check of two",
    }
    assert f"evidence: {tmp_path} (4 files" in capsys.readouterr().out


def test_a_disk_without_room_is_told_and_raises_nothing(
    session: Any,  # noqa: ANN401
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "file").touch()
    keep_evidence(session, [], tmp_path / "file", 0.0)
    assert "evidence could not be written" in capsys.readouterr().out
