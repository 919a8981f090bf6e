"""Passphrases: asked for on a real terminal, once, and told to nobody."""

from __future__ import annotations

import base64
import logging
import os
import subprocess
import sys
import traceback
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
from far_ends import PATIENCE, STARTING
from opening import opens, refused
from terminal import Terminal

from cluster_tests.bench.sshd import make_key
from tunnels import Tunnel, TunnelGroup, passphrase
from tunnels.errors import IdentityEncryptedError, KeyRefusedError
from tunnels.identity import read_identity

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from cluster_tests.bench.sshd import Sshd
    from tunnels import Target

pytest_plugins = ["tunnel_fixtures"]
pytestmark = pytest.mark.usefixtures("leaves_nothing", "no_terminal")

PHRASE = "a sécret phrase"


def locked_key(path: Path, *options: str) -> Path:
    return make_key(path, "-N", PHRASE, *options)


PROGRAM = """
import logging
import sys
from pathlib import Path, PosixPath
from tunnels import Target, TunnelError, TunnelGroup
logging.basicConfig(level=logging.DEBUG, stream=open({log!r}, "w"))
logging.getLogger("tunnels.ssh").setLevel(logging.DEBUG)
target = {target!r}
try:
    with TunnelGroup({{f"node{{n}}": (target, []) for n in range(4)}}) as group:
        print("OPEN", sum(tunnel.is_alive for tunnel in group.values()))
    with TunnelGroup({{"again": (target, [])}}) as group:
        print("OPEN AGAIN")
except TunnelError as error:
    print("REFUSED", error.message[:2000])
    sys.exit(2)
except KeyboardInterrupt:
    print("INTERRUPTED")
    sys.exit(130)
"""


def program(target: Target, log: Path) -> str:
    return PROGRAM.format(target=target, log=str(log))


QUESTION = r"Enter passphrase for key '[^']*': "


@pytest.mark.parametrize(
    "options",
    [("-t", "ed25519"), ("-t", "ecdsa", "-m", "PEM"), ("-t", "rsa", "-m", "PEM"), ("-t", "rsa")],
    ids="-".join,
)
def test_a_passphrase_is_asked_for_once(
    make_sshd: Callable[..., Sshd], tmp_path: Path, options: tuple[str, ...]
) -> None:
    sshd = make_sshd()
    key = locked_key(tmp_path / "key", *options)
    sshd.let_in(key)
    log = tmp_path / "log"
    terminal = Terminal(program(sshd.target(identity_file=key), log))
    terminal.wait_for(QUESTION)
    terminal.type(f"{PHRASE}\n")
    assert terminal.status() == 0, terminal.said
    assert terminal.said.split() == ["OPEN", "4", "OPEN", "AGAIN"]  # and neither echo nor question
    assert "connected to" in log.read_text()
    assert PHRASE not in log.read_text()
    assert sshd.counted("Accepted publickey", 5) == 5


def test_a_wrong_passphrase_may_be_corrected(
    make_sshd: Callable[..., Sshd], tmp_path: Path
) -> None:
    sshd = make_sshd()
    key = locked_key(tmp_path / "key")
    sshd.let_in(key)
    terminal = Terminal(program(sshd.target(identity_file=key), tmp_path / "log"))
    for phrase in ("wrong", "wröng again", PHRASE):
        terminal.wait_for(QUESTION)
        terminal.type(f"{phrase}\n")
    assert terminal.status() == 0, terminal.said


@pytest.mark.parametrize("typed", [["wrong\n"] * 3, ["\n"], ["\x04"]], ids=str)
def test_nobody_is_asked_again_after_giving_up(
    sshd: Sshd, tmp_path: Path, typed: list[str]
) -> None:
    key = locked_key(tmp_path / "key")
    terminal = Terminal(program(sshd.target(identity_file=key), tmp_path / "log"))
    for text in typed:
        terminal.wait_for(QUESTION)
        terminal.type(text)
    assert terminal.status() == 2
    assert "Enter passphrase" not in terminal.said
    assert "4 of 4 tunnels did not open" in terminal.said
    assert terminal.said.count("no passphrase that fits was given") == 4
    assert f"ssh-add {key}" in terminal.said


def test_ctrl_c_ends_the_question_and_the_echo_is_back(sshd: Sshd, tmp_path: Path) -> None:
    key = locked_key(tmp_path / "key")
    text = program(sshd.target(identity_file=key), tmp_path / "log")
    text += "    import termios; print('ECHO', bool(termios.tcgetattr(0)[3] & termios.ECHO))"
    text = text.replace("    sys.exit(130)\n", "") + "\n    sys.exit(130)\n"
    terminal = Terminal(text)
    terminal.wait_for(QUESTION)
    terminal.type("half a phr\x03")
    assert terminal.status() == 130
    assert terminal.said.split() == ["INTERRUPTED", "ECHO", "True"]


def test_without_a_terminal_nobody_is_asked(sshd: Sshd, tmp_path: Path) -> None:
    key = locked_key(tmp_path / "key")
    ran = subprocess.run(
        [sys.executable, "-c", program(sshd.target(identity_file=key), tmp_path / "log")],
        input=f"{PHRASE}\n",
        capture_output=True,
        text=True,
        start_new_session=True,
        check=False,
        timeout=STARTING,
    )
    assert ran.returncode == 2
    assert "there is no terminal to ask on" in ran.stdout
    assert "Enter passphrase" not in ran.stdout + ran.stderr


def test_a_key_that_nobody_unlocks_is_passed_over(
    make_sshd: Callable[..., Sshd], tmp_path: Path
) -> None:
    sshd = make_sshd()
    locked = locked_key(tmp_path / "key")
    opens(sshd.target(identity_file=(locked, sshd.identity)))
    error = refused(
        sshd.target(identity_file=(make_key(tmp_path / "stranger"), locked)), KeyRefusedError
    )
    assert f"{locked} asks for a passphrase, and there is no terminal" in error.message


def test_a_second_key_is_asked_for_when_its_turn_comes(
    make_sshd: Callable[..., Sshd], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sshd = make_sshd()
    locked = locked_key(tmp_path / "key")
    asked: list[Path] = []

    def answer(path: Path) -> bytes:
        asked.append(path)
        return PHRASE.encode()

    monkeypatch.setattr(passphrase, "why_not", lambda: "")
    monkeypatch.setattr(passphrase, "ask", answer)
    opens(sshd.target(identity_file=(sshd.identity, locked)))
    assert asked == []
    sshd.let_in(locked)
    opens(sshd.target(identity_file=(sshd.identity, locked)))
    assert asked == [locked]


def test_no_thread_but_the_main_one_asks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passphrase, "_TERMINAL", os.devnull)
    identity = read_identity(locked_key(tmp_path / "key"))
    assert passphrase.why_not() == ""
    with ThreadPoolExecutor(1) as pool:
        failure = pool.submit(identity.unlocked).exception(PATIENCE)
    assert isinstance(failure, IdentityEncryptedError)
    assert "only the main thread may ask" in failure.message


# --- no secret is told


def test_neither_passphrase_nor_key_is_in_any_traceback(
    sshd: Sshd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    monkeypatch.setattr(passphrase, "why_not", lambda: "")
    monkeypatch.setattr(passphrase, "ask", lambda _path: PHRASE.encode())
    key = make_key(tmp_path / "key", "-N", "another phrase")
    error = refused(sshd.target(identity_file=key), IdentityEncryptedError)
    assert "no passphrase that fits was given" in error.message
    with_locals = traceback.TracebackException.from_exception(error, capture_locals=True)
    told = "".join(with_locals.format()) + caplog.text
    assert "unlocked" in told
    # the test's own frame is in the traceback, and has none of it in its locals
    assert PHRASE not in told
    assert repr(PHRASE.encode()) not in told


@pytest.mark.parametrize("phrase", ["", PHRASE])
def test_a_key_shows_nothing_of_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, phrase: str
) -> None:
    monkeypatch.setattr(passphrase, "why_not", lambda: "")
    monkeypatch.setattr(passphrase, "ask", lambda _path: phrase.encode())
    path = make_key(tmp_path / "key", "-N", phrase)
    identity = read_identity(path)
    key = identity.unlocked()
    private = base64.b64decode("".join(path.read_text().splitlines()[1:-1]))
    told = repr(identity) + repr(key) + str(identity)
    assert str(path) in told
    assert path.read_text().splitlines()[2] not in told
    assert repr(private[-40:-8])[2:-1] not in told
    assert PHRASE not in told


def test_a_group_asks_before_it_opens_anything(
    sshd: Sshd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = locked_key(tmp_path / "key")
    before = sshd.count("Connection from")

    def interrupted(_path: Path) -> bytes:
        raise KeyboardInterrupt

    monkeypatch.setattr(passphrase, "why_not", lambda: "")
    monkeypatch.setattr(passphrase, "ask", interrupted)
    group = TunnelGroup({"node": (sshd.target(identity_file=key), [])})
    with pytest.raises(KeyboardInterrupt):
        group.open()
    group.close()
    with Tunnel(sshd.target()):
        pass
    assert sshd.counted("Connection from", before + 1) == before + 1
