"""An ssh_config leads where ``ssh -F`` leads: the same files are given to both."""

from __future__ import annotations

import logging
import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from ssh_config_cases import KEY, TABLE

from tunnels import Target, target_from_config
from tunnels.errors import SpecError, SshConfigError

if TYPE_CHECKING:
    from collections.abc import Callable

pytest_plugins = ["ssh_config_fixtures"]


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fix what the values below name; whoever runs the tests may have an agent."""
    monkeypatch.setenv("SSH_AUTH_SOCK", "/run/agent")
    monkeypatch.setenv("KEYS", "/keys of mine")


# --- what is followed, next to what ssh -G says


@pytest.mark.parametrize("case", TABLE)
def test_a_target_is_what_the_file_says(
    config: Callable[[str], Path], case: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    text, expected = TABLE[case]
    if "IdentityAgent $KEYS" in text:
        monkeypatch.setenv("KEYS", os.devnull)
    target = target_from_config("core1", config(text))
    assert {name: getattr(target, name) for name in expected} == expected


SAME: dict[str, Callable[[Target], str]] = {
    "hostname": lambda target: target.host,
    "port": lambda target: str(target.port),
    "user": lambda target: target.user,
    "userknownhostsfile": lambda target: " ".join(map(str, target.known_hosts_files[:-1])),
    "globalknownhostsfile": lambda target: str(target.known_hosts_files[-1]),
    "serveraliveinterval": lambda target: f"{target.alive_interval:g}",
    "identityagent": lambda target: str(target.agent),
}


def test_all_at_once_and_as_ssh_says(config: Callable[[str], Path]) -> None:
    path = config(
        "Include included\n"
        "Match host *.example\n  Port 2201\n"
        "Host core*\n  HostName %h.example\n  IdentityAgent /run/%h\n"
        "Match final host *.example\n  ServerAliveInterval 9\n"
        "Host *\n  GlobalKnownHostsFile /etc/known\n  UserKnownHostsFile /a /b\n" + KEY
    )
    path.with_name("included").write_text("Host core1\n  User included\n")
    text = path.read_text().replace("Include included", f"Include {path.with_name('included')}")
    target = target_from_config("core1", config(text))
    told = subprocess.run(
        ["ssh", "-T", "-G", "-F", str(path), "core1"], capture_output=True, text=True, check=True
    )
    said = dict(line.split(" ", 1) for line in told.stdout.splitlines())
    assert {name: tell(target) for name, tell in SAME.items()} == {
        name: said[name] for name in SAME
    }
    assert (target.user, target.host, target.port) == ("included", "core1.example", 2201)


def test_the_default_keys_are_those_that_exist(
    config: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".ssh").mkdir()
    for name in ("id_ed25519", "id_dsa"):
        (tmp_path / ".ssh" / name).write_text("a key")
    target = target_from_config("core1", config(""))
    assert target.identity_files == (tmp_path / ".ssh" / "id_ed25519",)


# --- what is given explicitly wins


def test_what_is_given_explicitly_wins(config: Callable[[str], Path]) -> None:
    path = config(
        "Match user root2\n HostName other\nHost core1\n ProxyJump jump\n"
        f"Host *\n User core\n Port 2222\n{KEY}"
    )
    target = target_from_config(
        "core1", path, user="root2", port=33, identity_file=Path("/mine"), connect_timeout=1.5
    )
    assert str(target) == "root2@other:33"
    assert (target.identity_file, target.connect_timeout) == (Path("/mine"), 1.5)
    assert target.jump is not None
    assert str(target.jump) == "core@jump:2222"
    assert target.jump.identity_file == (Path("/keys/one"),)


# --- jump hosts


def jumps(target: Target) -> list[str]:
    """List the jump hosts, the first one first."""
    found = []
    while target.jump is not None:
        target = target.jump
        found.append(str(target))
    return found[::-1]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ProxyJump none", []),
        ("ProxyJump you@one:2201", ["you@one:2201"]),
        ("ProxyJump one,you@two:2202", ["core@one:22", "you@two:2202"]),
        ("ProxyJump [::1]:2201", ["core@[::1]:2201"]),
        ("ProxyJump ssh://you@one:2201", ["you@one:2201"]),
        ("ProxyJump %r-jump", ["core@core-jump:22"]),
        ("ProxyJump one\nProxyCommand nothing", ["core@one:22"]),
        ("ProxyCommand nothing\nProxyJump one", []),
    ],
)
def test_jump_hosts(config: Callable[[str], Path], text: str, expected: list[str]) -> None:
    path = config(f"Host core1\n{text}\nHost *\n User core\n{KEY}")
    assert jumps(target_from_config("core1", path)) == expected


def test_a_jump_host_has_settings_of_its_own(config: Callable[[str], Path]) -> None:
    path = config(
        "Host core1\n ProxyJump one,two\n StrictHostKeyChecking accept-new\n"
        "Host one\n HostName one.example\n Port 2201\n ProxyJump zero\n IdentityFile /keys/jump\n"
        f"Host two\n ProxyJump not-used\n UserKnownHostsFile /known\nHost *\n User core\n{KEY}"
    )
    target = target_from_config("core1", path)
    assert jumps(target) == ["core@zero:22", "core@one.example:2201", "core@two:22"]
    assert target.jump is not None
    assert target.jump.known_hosts_files[0] == Path("/known")
    assert [target.accept_new, target.jump.accept_new] == [True, False]
    assert target.jump.jump is not None
    assert target.jump.jump.identity_files == (Path("/keys/jump"), Path("/keys/one"))


@pytest.mark.parametrize(
    "text",
    ["ProxyJump core1", "Host core1\n ProxyJump a\nHost a\n ProxyJump b\nHost b\nProxyJump a"],
)
def test_jump_hosts_in_a_circle(config: Callable[[str], Path], text: str) -> None:
    with pytest.raises(SshConfigError, match=r"loop|circle"):
        target_from_config("core1", config(f"{text}\nMatch all\n{KEY}"))


# --- what is refused


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("StrictHostKeyChecking no", "would trust whoever answers"),
        ("StrictHostKeyChecking off", "would trust whoever answers"),
        ("BindAddress 127.0.0.1", "'bindaddress 127.0.0.1' is not supported"),
        ("AddressFamily inet6", "addressfamily"),
        ("Ciphers aes128-ctr", "ciphers"),
        ("RevokedHostKeys /revoked", "revokedhostkeys"),
        ("KnownHostsCommand /bin/true", "knownhostscommand"),
        ("CertificateFile /cert", "certificatefile"),
        ("PubkeyAuthentication no", "pubkeyauthentication"),
        ("CheckHostIP yes", "checkhostip"),
        ("Prot 22", "line 1: Bad configuration option: prot"),
        ("Port many", "line 1: Bad port 'many'"),
        ("Match weather fine", "line 1: Bad Match condition"),
        ("IdentityFile /%C", "the token %C"),
        ("IdentityFile ${NOWHERE}/key", "NOWHERE, which is not set"),
        ("ServerAliveCountMax 0", "alive_count"),
        ("IdentityFile none\nIdentityAgent none", "neither a key file nor an agent"),
    ],
)
def test_what_cannot_be_followed_is_told(
    config: Callable[[str], Path], line: str, told: str
) -> None:
    with pytest.raises(SpecError) as caught:
        target_from_config("core1", config(f"{line}\n" + (KEY if "none" not in line else "")))
    assert told in caught.value.message
    assert "ssh_config: host core1: " in caught.value.message


def test_what_is_said_of_other_hosts_is_not_refused(config: Callable[[str], Path]) -> None:
    text = f"Host other\n BindAddress 127.0.0.1\n StrictHostKeyChecking no\nHost *\n{KEY}"
    assert target_from_config("core1", config(text)).port == 22


def test_a_default_that_is_written_out_is_not_refused(config: Callable[[str], Path]) -> None:
    text = f"AddressFamily any\nPubkeyAuthentication yes\nCheckHostIP no\n{KEY}"
    assert target_from_config("core1", config(text)).port == 22


def test_what_has_no_bearing_is_logged(
    config: Callable[[str], Path], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    target_from_config("core1", config(f"ForwardAgent yes\n{KEY}"))
    assert "'forwardagent yes' has no bearing here" in caplog.text


def test_a_file_that_is_missing(tmp_path: Path) -> None:
    with pytest.raises(SshConfigError, match="No such file"):
        target_from_config("core1", tmp_path / "none")


def test_an_alias_is_no_option(config: Callable[[str], Path]) -> None:
    with pytest.raises(SshConfigError, match="hostname contains invalid characters"):
        target_from_config("-oUser=other", config(KEY))


def test_without_openssh(config: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch) -> None:
    path = config(KEY)
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(SshConfigError, match="ssh is missing") as caught:
        target_from_config("core1", path)
    assert "openssh-client" in caught.value.remedy
