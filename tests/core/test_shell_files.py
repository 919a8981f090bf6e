"""Files that a kept shell reads: real shells, behind an engine made up."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import threading
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

import pytest
from exec_doubles import ExecsOverUnix
from http_doubles import serving

from cluster_tests.errors import NodeError
from cluster_tests.nodes import file_shell
from cluster_tests.nodes.node import Engine
from cluster_tests.way import Way

if TYPE_CHECKING:
    from collections.abc import Iterator

    from exec_doubles import Exec

SHELLS = {"sh": ["sh"], "dash": ["dash"], "bash": ["bash"], "busybox": ["busybox", "sh"]}
FOUND = [name for name in SHELLS if shutil.which(name)]
TOKEN = "0123456789abcdef" * 2


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ExecsOverUnix]:
    with serving(ExecsOverUnix(tmp_path / "engine.sock")) as server:
        server.answers["GET /version"] = (200, {"ApiVersion": "1.41", "Version": "20"})
        yield server


@pytest.fixture
def engine(server: ExecsOverUnix) -> Iterator[Engine]:
    engine = Engine("core3", server.path, 5)
    engine.open()
    yield engine
    engine.close()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "proxy.cfg"


def read(engine: Engine, path: Path) -> bytes:
    return engine.read_file("proxy", PurePosixPath(path))


def archived(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Let archives hold "packed" alone; tell which containers they were asked of."""
    asked: list[str] = []

    def read_archived(container: str, _path: PurePosixPath) -> bytes:
        asked.append(container)
        return b"packed"

    monkeypatch.setattr(engine, "read_archived", read_archived)
    return asked


def test_there_is_a_shell_to_test_with() -> None:
    assert "sh" in FOUND


# --- contents


@pytest.mark.parametrize("shell", FOUND)
@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\n",
        b"no newline at the end",
        b"\n\nlines\n\n",
        b"\0 and \xff\r\n",
        b"\n%b 0\n" % TOKEN.encode(),
        b"-n -e \\n \\0 %s",
    ],
    ids=["empty", "newline", "no newline", "lines", "bytes", "like a mark", "escapes"],
)
def test_a_content_comes_as_it_is(
    server: ExecsOverUnix, engine: Engine, path: Path, shell: str, content: bytes
) -> None:
    server.shell = SHELLS[shell]
    for server.frame_size in (1, 7, 32768):
        path.write_bytes(content)
        assert read(engine, path) == content
    assert len(server.execs) == 1


@pytest.mark.parametrize("shell", FOUND)
def test_a_long_file_comes_whole(
    server: ExecsOverUnix, engine: Engine, path: Path, shell: str
) -> None:
    server.shell = SHELLS[shell]
    path.write_bytes(os.urandom(300_000))
    assert [read(engine, path), read(engine, path)] == [path.read_bytes()] * 2


@pytest.mark.parametrize("shell", FOUND)
@pytest.mark.parametrize("name", ["two  words ", " -n", "\\t$(id)'\"*", "ü", "tab\t"])
def test_a_name_is_taken_to_the_letter(
    server: ExecsOverUnix, engine: Engine, tmp_path: Path, shell: str, name: str
) -> None:
    server.shell = SHELLS[shell]
    (tmp_path / name).write_text(name)
    assert read(engine, tmp_path / name).decode() == name


def test_a_relative_path_is_no_option_and_begins_at_the_root(engine: Engine) -> None:
    for name in ("-", "--help"):
        with pytest.raises(NodeError, match=f"reading {name}: cat: .*No such file"):
            read(engine, Path(name))


@pytest.mark.parametrize("name", ["a\nb", "a\0b"])
def test_a_path_that_is_no_line_is_refused(engine: Engine, name: str) -> None:
    with pytest.raises(ValueError, match="not a path"):
        engine.read_file("proxy", PurePosixPath(name))


def test_whatever_a_container_s_own_user_may_read_root_reads_it(
    server: ExecsOverUnix, engine: Engine, path: Path
) -> None:
    path.write_text("x")
    read(engine, path)
    assert [each.user for each in server.execs] == ["0"]


def test_each_container_has_a_shell_of_its_own(
    server: ExecsOverUnix, engine: Engine, path: Path
) -> None:
    path.write_bytes(b"x")
    for container in ("proxy", "other", "proxy"):
        engine.read_file(container, PurePosixPath(path))
    assert [each for each in server.asked if "/containers/" in each] == [
        "POST /containers/proxy/exec",
        "POST /containers/other/exec",
    ]
    tokens = {each.command[-1] for each in server.execs}
    assert len(tokens) == 2


def test_threads_get_their_own_answers(engine: Engine, tmp_path: Path) -> None:
    found: dict[int, bytes] = {}

    def ask(number: int) -> None:
        path = tmp_path / f"file {number}"
        path.write_text(f"{number} " * 1000)
        found[number] = read(engine, path)

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {number: f"{number} ".encode() * 1000 for number in range(20)}


# --- what cannot be read


@pytest.mark.parametrize("shell", FOUND)
def test_what_cat_says_is_the_error(
    server: ExecsOverUnix, engine: Engine, tmp_path: Path, shell: str
) -> None:
    server.shell = SHELLS[shell]
    (tmp_path / "there").write_bytes(b"still served")
    with pytest.raises(NodeError, match=r"core3: proxy: reading /.*/absent: cat: .*No such file"):
        read(engine, tmp_path / "absent")
    with pytest.raises(NodeError, match=r"core3: proxy: reading /.*: cat: .*directory"):
        read(engine, tmp_path)
    assert read(engine, tmp_path / "there") == b"still served"
    assert len(server.execs) == 1


def test_one_that_is_not_open_says_so(tmp_path: Path) -> None:
    with pytest.raises(NodeError, match=r"core3: .*proxy: the engine is not open"):
        read(Engine("core3", tmp_path / "engine.sock", 1), tmp_path)


def test_a_late_answer_is_not_taken_for_the_next_one(
    server: ExecsOverUnix, engine: Engine, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path.write_bytes(b"in time")
    late = path.with_name("late")
    os.mkfifo(late)
    monkeypatch.setattr(engine, "_timeout", 0.3)
    with pytest.raises(NodeError, match=r"late: its shell did not answer \(timed out; due in 0\.3"):
        read(engine, late)
    monkeypatch.setattr(engine, "_timeout", 5)
    with late.open("wb") as writing:
        writing.write(b"too late")
    assert read(engine, path) == b"in time"
    assert len(server.execs) == 2


def test_an_answer_without_an_end_is_due_as_a_whole(
    server: ExecsOverUnix, engine: Engine, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path.write_bytes(b"x")
    server.shell = ["sh", "-c", "while printf .; do :; done", "endless"]
    monkeypatch.setattr(engine, "_timeout", 0.3)
    with pytest.raises(NodeError, match=r"did not answer \(timed out"):
        read(engine, path)


# --- shells that end


def test_one_that_has_served_and_ended_is_begun_anew(
    server: ExecsOverUnix, engine: Engine, path: Path
) -> None:
    for number in range(3):
        path.write_text(f"{number}")
        assert read(engine, path) == f"{number}".encode()
        server.execs[-1].kill()
    assert len(server.execs) == 3


def test_a_new_one_that_ends_is_an_error(server: ExecsOverUnix, engine: Engine, path: Path) -> None:
    path.write_bytes(b"x")
    assert read(engine, path) == b"x"
    server.shell = ["sh", "-c", "echo out of order; exit 3", "broken"]
    server.execs[-1].kill()
    with pytest.raises(
        NodeError, match=r"proxy: reading /.*: its shell ended with code 3: out of order"
    ):
        read(engine, path)
    assert server.codes() == [-9, 3]


def test_one_that_is_killed_in_the_middle_gives_no_content(
    server: ExecsOverUnix, engine: Engine, path: Path
) -> None:
    path.write_bytes(b"x")
    server.shell = ["sh", "-c", "read -r path; printf half", "broken"]
    with pytest.raises(NodeError, match="its shell ended with code 0: half"):
        read(engine, path)


def test_what_broke_with_the_way_is_asked_again(server: ExecsOverUnix, path: Path) -> None:
    path.write_bytes(b"whole")
    engine = Engine("core3", server.path, 5, Way("core3", lambda _: True))
    engine.open()
    server.shell = ["sh", "-c", "read -r path; printf half", "broken"]

    def mend(_: Exec) -> None:
        if len(server.execs) == 2:
            server.shell = ["sh"]

    server.upon_start = mend
    assert read(engine, path) == b"whole"
    assert len(server.execs) == 3
    engine.close()


# --- where there is no shell


@pytest.mark.parametrize("code", [126, 127])
def test_where_there_is_no_shell_archives_are_read_from_then_on(
    server: ExecsOverUnix,
    engine: Engine,
    path: Path,
    code: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = archived(engine, monkeypatch)
    server.shell = ["sh", "-c", f"exit {code}", "as if it was not there"]
    assert [read(engine, path), read(engine, path)] == [b"packed"] * 2
    assert server.codes() == [code]
    assert asked == ["proxy", "proxy"]


def test_a_shell_that_the_engine_does_not_find_is_none(
    server: ExecsOverUnix, engine: Engine, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archived(engine, monkeypatch)
    server.shell = ["/no/such/shell"]
    assert read(engine, path) == b"packed"
    assert server.codes() == [127]


@pytest.mark.parametrize("shell", FOUND)
def test_a_shell_without_cat_is_none(
    server: ExecsOverUnix,
    engine: Engine,
    tmp_path: Path,
    shell: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = archived(engine, monkeypatch)
    program = shutil.which(SHELLS[shell][0])
    assert program
    server.shell = [program, *SHELLS[shell][1:]]
    server.environment["PATH"] = str(tmp_path)
    assert [read(engine, tmp_path), read(engine, tmp_path)] == [b"packed"] * 2
    assert asked == ["proxy", "proxy"]
    assert len(server.execs) == 1


def test_words_alone_do_not_tell_that_there_is_no_shell(
    server: ExecsOverUnix, engine: Engine, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = archived(engine, monkeypatch)
    said = 'OCI runtime exec failed: "sh": executable file not found'
    server.shell = ["sh", "-c", f"echo '{said}'; exit 1", "lying"]
    with pytest.raises(NodeError, match="ended with code 1: OCI runtime exec failed"):
        read(engine, path)
    assert asked == []


def test_a_container_that_does_not_run_is_read_by_archives_until_it_does(
    server: ExecsOverUnix, engine: Engine, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = archived(engine, monkeypatch)
    path.write_bytes(b"told")
    server.answers["POST /containers/proxy/exec"] = (409, {"message": "proxy is not running"})
    assert read(engine, path) == b"packed"
    del server.answers["POST /containers/proxy/exec"]
    assert read(engine, path) == b"told"
    assert asked == ["proxy"]


# --- the end


def test_closing_ends_the_shells_and_leaves_no_socket(
    server: ExecsOverUnix, engine: Engine, path: Path
) -> None:
    path.write_bytes(b"x")
    for container in ("proxy", "other"):
        engine.read_file(container, PurePosixPath(path))
    assert sockets_to(server) >= 2
    engine.close()
    assert sockets_to(server) == 0
    for each in server.execs:
        assert each.ended.wait(5)
    assert server.codes() == [0, 0]


def sockets_to(server: ExecsOverUnix) -> int:
    """Count this process's own connections to the server."""
    found = 0
    for descriptor in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(OSError):  # gone since it was listed, or not connected
            if descriptor.is_socket():
                with socket.socket(fileno=os.dup(int(descriptor.name))) as each:
                    found += each.getpeername() == str(server.path)
    return found


def test_what_was_closed_can_be_opened_again(
    server: ExecsOverUnix, engine: Engine, path: Path
) -> None:
    path.write_bytes(b"x")
    assert read(engine, path) == b"x"
    engine.close()
    engine.open()
    assert read(engine, path) == b"x"
    assert len(server.execs) == 2


def test_closing_ends_a_read_and_begins_no_other(
    server: ExecsOverUnix, engine: Engine, path: Path
) -> None:
    path.write_bytes(b"x")
    assert read(engine, path) == b"x"
    silent = path.with_name("silent")
    os.mkfifo(silent)
    errors: list[NodeError] = []

    def wait() -> None:
        with pytest.raises(NodeError) as raised:
            read(engine, silent)
        errors.append(raised.value)

    thread = threading.Thread(target=wait)
    thread.start()
    with silent.open("wb"):  # opens once the shell has opened its end
        engine.close()
    thread.join()
    assert [error.message for error in errors]
    assert "closed meanwhile" in str(errors[0])
    assert len(server.execs) == 1


def test_tokens_differ() -> None:
    assert len({file_shell.new_token() for _ in range(100)}) == 100
