"""What an ssh_config says, with ssh as the yardstick; and why paramiko does not read it."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING, Any

import paramiko
import pytest
from opening import opens

from cluster_tests.bench.sshd import free_port, make_key
from tunnels import target_from_config
from tunnels.errors import HostKeyUnknownError, KeyRefusedError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from cluster_tests.bench.sshd import Sshd

pytest_plugins = ["tunnel_fixtures", "ssh_config_fixtures"]


# --- and it leads there


def settings(sshd: Sshd, name: str) -> str:
    return (
        f"Host {name}\n HostName {sshd.address}\n Port {sshd.port}\n User {sshd.user}\n"
        f" IdentityFile {sshd.identity}\n UserKnownHostsFile {sshd.known_hosts}\n"
    )


def ssh(path: Path, alias: str) -> int:
    command = ["ssh", "-F", str(path), "-o", "BatchMode=yes", alias, "true"]
    ran = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    return ran.returncode


@pytest.mark.usefixtures("leaves_nothing")
@pytest.mark.parametrize("way", ["", "ProxyJump one", "ProxyJump one,two", "ProxyCommand {ssh}"])
def test_ssh_and_we_reach_the_same_server(
    make_sshd: Callable[..., Sshd],
    config: Callable[[str], Path],
    tmp_path: Path,
    way: str,
) -> None:
    one, two, last = make_sshd(), make_sshd(), make_sshd()
    way = way.format(ssh=f"ssh -F {tmp_path / 'ssh_config'} -W [%h]:%p one")
    path = config(
        "".join(settings(sshd, name) for sshd, name in ((one, "one"), (two, "two"), (last, "last")))
        + f"Host last\n {way}\nHost *\n IdentityAgent none\n IdentitiesOnly yes\n"
    )
    assert ssh(path, "last") == 0
    counts = [int("one" in way), int("two" in way), 1]
    for sshd, count in zip((one, two, last), counts, strict=True):
        assert sshd.counted("Accepted publickey", count) == count
    opens(target_from_config("last", path))
    for sshd, count in zip((one, two, last), counts, strict=True):
        assert sshd.counted("Accepted publickey", 2 * count) == 2 * count


@pytest.mark.usefixtures("leaves_nothing")
@pytest.mark.parametrize(
    ("change", "kind"),
    [
        (("UserKnownHostsFile", "UserKnownHostsFile {stranger}.pub\n#"), HostKeyUnknownError),
        (("IdentityFile", "IdentityFile {stranger}\n#"), KeyRefusedError),
    ],
    ids=["an unknown host", "an unknown key"],
)
def test_ssh_and_we_are_refused_alike(
    sshd: Sshd,
    config: Callable[[str], Path],
    tmp_path: Path,
    change: tuple[str, str],
    kind: type[Exception],
) -> None:
    stranger = make_key(tmp_path / "stranger")
    common = "Host *\n IdentityAgent none\n IdentitiesOnly yes\n GlobalKnownHostsFile /none\n"
    text = settings(sshd, "last").replace(change[0], change[1].format(stranger=stranger))
    path = config(common + text)
    assert ssh(path, "last") == 255
    with pytest.raises(kind):
        opens(target_from_config("last", path))


# --- why paramiko does not read the file


@pytest.mark.parametrize(
    ("text", "misread"),
    [
        ("Include {included}", {}),
        ("Match weather fine\n Port 7", {"port": "7"}),
        ("Prot 7", {"prot": "7"}),
        ("Port 22 # as ever", {"port": "22 # as ever"}),
        ("IdentityFile a%%b", {"identityfile": ["a%%b"]}),
    ],
)
def test_what_paramiko_would_make_of_it(
    config: Callable[[str], Path], tmp_path: Path, text: str, misread: dict[str, Any]
) -> None:
    included = tmp_path / "included"
    included.write_text(f"Port {free_port()}\n")
    path = config(text.format(included=included))
    found = paramiko.SSHConfig.from_path(path).lookup("core1")
    assert {name: found.get(name) for name in misread} == misread
    assert "Include" not in text or "port" not in found
