"""The forge's repositories, asked through the git backend that serves them on the forge."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "fixtures" / "forge" / "repositories.sh"
_SOMEBODY_ELSE = 12345  # a user ID


@pytest.fixture
def served(tmp_path: Path) -> Path:
    """Two repositories, of which one has a branch."""
    make(tmp_path, "ledger", "echo")
    tree = tmp_path / "tree"
    git("init", "--quiet", str(tree))
    who = ("-c", "user.name=A", "-c", "user.email=a@example.org")
    git("-C", str(tree), *who, "commit", "--quiet", "--allow-empty", "--message=first")
    git("-C", str(tree), "push", "--quiet", str(tmp_path / "ledger.git"), "HEAD:refs/heads/one")
    return tmp_path


def make(directory: Path, *names: str) -> None:
    subprocess.run([SCRIPT, directory, *names], check=True)


def git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], check=True, capture_output=True, text=True)
    return done.stdout


def asked(root: Path, name: str) -> str:
    """Ask the backend for a repository's branches, as a clone does (git-http-backend(1))."""
    request = {
        "GIT_PROJECT_ROOT": str(root),
        "GIT_HTTP_EXPORT_ALL": "1",
        "REQUEST_METHOD": "GET",
        "PATH_INFO": f"/{name}/info/refs",
        "QUERY_STRING": "service=git-upload-pack",
    }
    # Without the user's settings: a safe.directory of theirs would let everything pass.
    environment = {"PATH": os.environ["PATH"], "GIT_CONFIG_NOSYSTEM": "1", **request}
    done = subprocess.run(
        ["git", "http-backend"], env=environment, capture_output=True, text=True, check=False
    )
    return done.stdout


@pytest.mark.parametrize("name", ["ledger.git", "LEDGER.git"])
def test_a_repository_is_found_by_its_name_in_either_case(served: Path, name: str) -> None:
    assert "refs/heads/one" in asked(served, name)


@pytest.mark.parametrize("name", ["Ledger.git", "other.git", "tree"])
def test_nothing_else_is_found(served: Path, name: str) -> None:
    assert "refs/heads/one" not in asked(served, name)


def test_each_name_leads_to_its_own_repository(served: Path) -> None:
    assert "refs/heads/one" not in asked(served, "ECHO.git")
    assert "# service=git-upload-pack" in asked(served, "ECHO.git")


def test_another_boot_keeps_what_is_there_and_adds_what_is_new(served: Path) -> None:
    make(served, "ledger", "doors")
    for name in ("ledger.git", "LEDGER.git"):
        assert "refs/heads/one" in asked(served, name)
    assert "# service=git-upload-pack" in asked(served, "DOORS.git")
    assert sorted(path.name for path in served.glob("ledger.git/*.git")) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a link away")
def test_git_serves_no_link_of_somebody_elses_which_is_why_the_script_runs_as_git(
    served: Path,
) -> None:
    os.chown(served / "LEDGER.git", _SOMEBODY_ELSE, _SOMEBODY_ELSE, follow_symlinks=False)
    assert "refs/heads/one" not in asked(served, "LEDGER.git")
