"""known_hosts is read as OpenSSH reads it: ssh-keygen is asked for its opinion."""

from __future__ import annotations

import base64
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cluster_tests.bench.sshd import make_key, public_part
from tunnels.errors import (
    HostCertificateError,
    HostKeyChangedError,
    HostKeyUnknownError,
    KnownHostsError,
)
from tunnels.known_hosts import Host, KnownHosts, fingerprint, parse

NAMES = [
    "node",
    "NODE",
    "node,10.0.0.1",
    "10.0.0.1,node",
    "[node]:2222",
    "node.example",
    "*.example",
    "*,!node",
    "n?de",
    "[*]:2222",
    "*",
    "!node",
    "!node,*",
    "[node]:*",
    "::1",
    "[::1]:2222",
    "node,::1",
]
WHO = [
    ("node", 22),
    ("node", 2222),
    ("node.example", 22),
    ("10.0.0.1", 22),
    ("Node", 22),
    ("::1", 22),
    ("::1", 2222),
]


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_key(tmp_path_factory.mktemp("keys") / "key")


def blob(key: Path) -> bytes:
    return base64.b64decode(public_part(key).split()[1])


def openssh_finds(path: Path, name: str) -> bool:
    found = subprocess.run(
        ["ssh-keygen", "-F", name, "-f", str(path)], capture_output=True, text=True, check=False
    )
    assert found.stderr == ""
    return bool(found.stdout)


@pytest.mark.parametrize("names", NAMES)
@pytest.mark.parametrize(("host", "port"), WHO)
def test_a_name_matches_as_it_does_for_openssh(
    tmp_path: Path, key: Path, names: str, host: str, port: int
) -> None:
    path = tmp_path / "known_hosts"
    path.write_text(f"{names} {public_part(key)} a comment\n")
    name = host if port == 22 else f"[{host}]:{port}"
    expected = openssh_finds(path, name)
    known = Host.at(host, port).name
    assert known == name.lower()
    assert any(entry.speaks_of(known) for entry in parse(path.read_text(), path)) == expected


@pytest.mark.parametrize(
    ("host", "port"), [("node", 22), ("node", 2222), ("::1", 22), ("::1", 2222)]
)
def test_a_hashed_file_says_the_same(tmp_path: Path, key: Path, host: str, port: int) -> None:
    name = host if port == 22 else f"[{host}]:{port}"
    path = tmp_path / "known_hosts"
    path.write_text(f"{name} {public_part(key)}\n")
    subprocess.run(["ssh-keygen", "-q", "-H", "-f", str(path)], check=True, capture_output=True)
    assert name not in path.read_text()
    KnownHosts(path).verify(Host.at(host, port), blob(key))
    with pytest.raises(HostKeyUnknownError):
        KnownHosts(path).verify(Host.at("other", port), blob(key))


def test_the_name_without_port_is_good_enough_for_the_same_key_only(
    tmp_path: Path, key: Path
) -> None:
    path = tmp_path / "known_hosts"
    path.write_text(f"node {public_part(key)}\n")
    known_hosts = KnownHosts(path)
    known_hosts.verify(Host.at("node", 2222), blob(key))
    with pytest.raises(HostKeyUnknownError):
        known_hosts.verify(Host.at("node", 2222), b"another key")
    with pytest.raises(HostKeyChangedError):
        known_hosts.verify(Host.at("node", 22), b"another key")


def test_one_of_several_keys_is_enough(tmp_path: Path, key: Path) -> None:
    other = make_key(tmp_path / "other", "-t", "ecdsa")
    path = tmp_path / "known_hosts"
    path.write_text(f"node {public_part(other)}\nnode {public_part(key)}\n")
    known_hosts = KnownHosts(path)
    known_hosts.verify(Host.at("node", 22), blob(key))
    known_hosts.verify(Host.at("node", 22), blob(other))
    assert known_hosts.key_types(Host.at("node", 22)) == ["ecdsa-sha2-nistp256", "ssh-ed25519"]


def test_an_authority_vouches_for_no_plain_key(tmp_path: Path, key: Path) -> None:
    path = tmp_path / "known_hosts"
    path.write_text(f"@cert-authority * {public_part(key)}\n")
    with pytest.raises(HostCertificateError, match="line 1"):
        KnownHosts(path).verify(Host.at("node", 22), blob(key))


def test_a_marker_that_is_not_known_is_refused(tmp_path: Path, key: Path) -> None:
    path = tmp_path / "known_hosts"
    path.write_text(f"# first\n@never node {public_part(key)}\n")
    with pytest.raises(KnownHostsError, match="line 2: the marker @never"):
        KnownHosts(path)


def test_the_remedy_for_a_changed_key_works(tmp_path: Path, key: Path) -> None:
    path = tmp_path / "known_hosts"
    path.write_text(f"[node]:2222 {public_part(make_key(tmp_path / 'old'))}\n")
    with pytest.raises(HostKeyChangedError) as caught:
        KnownHosts(path).verify(Host.at("node", 2222), blob(key))
    command = caught.value.remedy.split(": ", 1)[1].split(" && ")[0]
    subprocess.run(["sh", "-c", command], check=True, capture_output=True)
    with pytest.raises(HostKeyUnknownError):
        KnownHosts(path).verify(Host.at("node", 2222), blob(key))


def test_a_fingerprint_reads_as_that_of_ssh_keygen(key: Path) -> None:
    told = subprocess.run(
        ["ssh-keygen", "-l", "-f", str(key)], capture_output=True, text=True, check=True
    )
    assert fingerprint(blob(key)) == told.stdout.split()[1]


@settings(deadline=None)  # the machine may be busy
@given(st.text())
def test_no_text_whatever_breaks_the_reading(text: str) -> None:
    try:
        entries = parse(text, Path("known_hosts"))
    except KnownHostsError:
        return
    for entry in entries:
        entry.speaks_of("node")


@settings(deadline=None)
@given(
    st.from_regex(r"\|1\|[A-Za-z0-9+/=|]*\|[A-Za-z0-9+/=|]*", fullmatch=True)
    | st.from_regex(r"[\[\]!*?a-z:,.|]+", fullmatch=True),
    st.binary(min_size=1, max_size=40),
)
def test_no_name_whatever_breaks_the_matching(names: str, key: bytes) -> None:
    line = f"{names} ssh-ed25519 {base64.b64encode(key).decode()}"
    entries = parse(line, Path("known_hosts"))
    assert [entry.key for entry in entries] == [key]
    entries[0].speaks_of("[node]:2222")
