from pathlib import Path

import pytest

from cluster_tests.lab.debian import host_mirror

RELEASE = 'ID=debian\nVERSION_ID="12"\nVERSION_CODENAME=bookworm\n'


def etc(tmp_path: Path, release: str, **sources: str) -> Path:
    (tmp_path / "apt/sources.list.d").mkdir(parents=True)
    (tmp_path / "os-release").write_text(release)
    for name, text in sources.items():
        place = "apt/sources.list" if name == "list" else f"apt/sources.list.d/{name}.sources"
        (tmp_path / place).write_text(text)
    return tmp_path


def test_the_mirror_is_read_from_a_deb822_file_past_comments_and_other_archives(
    tmp_path: Path,
) -> None:
    text = (
        "Types: deb\nURIs: http://other.example/node\nSuites: nodistro\nComponents: main\n\n"
        "Types: deb\n# a comment\nURIs: http://mirror.example/debian\n"
        "Suites: bookworm bookworm-updates\nComponents: main contrib\n"
    )
    assert host_mirror(etc(tmp_path, RELEASE, debian=text)) == "http://mirror.example/debian"


@pytest.mark.parametrize("options", ["", "[signed-by=/usr/share/keyrings/x.gpg] "])
def test_the_mirror_is_read_from_a_one_line_file(tmp_path: Path, options: str) -> None:
    text = (
        "# deb http://old.example/debian bookworm main\n"
        f"deb {options}http://mirror.example/debian bookworm main contrib\n"
    )
    assert host_mirror(etc(tmp_path, RELEASE, list=text)) == "http://mirror.example/debian"


def test_security_archives_are_not_taken_for_the_mirror(tmp_path: Path) -> None:
    text = "deb http://mirror.example/debian-security bookworm-security main\n"
    assert host_mirror(etc(tmp_path, RELEASE, list=text)) is None


def test_a_machine_that_is_no_debian_has_no_mirror_to_give(tmp_path: Path) -> None:
    text = "deb http://mirror.example/ubuntu bookworm main\n"
    assert host_mirror(etc(tmp_path, "ID=ubuntu\nID_LIKE=debian\n", list=text)) is None
