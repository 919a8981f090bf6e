"""Debian 13 as a base image: pulled where a registry answers, made from this machine's mirror else.

What is read from this machine (APT mirror, proxy settings, certificates) goes into local images
only; nothing of it is ever committed.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import requests
from docker.errors import DockerException, ImageNotFound

from cluster_tests.errors import LabError
from cluster_tests.lab.engine import translated
from cluster_tests.lab.plan import LABEL

if TYPE_CHECKING:
    from docker import DockerClient

    from cluster_tests.lab.progress import Progress

SUITE = "trixie"
IMAGE = f"debian:{SUITE}-slim"
_KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
_CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
# Settings of APT that decide whether this machine reaches its mirror at all.
_ACQUIRE = ("Acquire::http", "Acquire::https", "Acquire::Check-", "Acquire::Retries")


def provide(client: DockerClient, progress: Progress) -> str:
    """Return the ID of the Debian image, made available first if it is not there.

    Raises LabError when no registry answers and it cannot be made here either.
    """
    try:
        return str(client.images.get(IMAGE).id)
    except ImageNotFound:
        progress.step("debian", f"pulling {IMAGE}")
    try:
        return str(client.images.pull(IMAGE).id)
    except (DockerException, requests.RequestException) as error:
        progress.step("debian", "no image registry answers: making it with debootstrap")
        return _bootstrap(client, error)


def _bootstrap(client: DockerClient, why: Exception) -> str:
    mirror = host_mirror()
    tool = shutil.which("debootstrap", path="/usr/sbin:/usr/bin:/sbin:/bin")
    if mirror is None or tool is None:
        raise LabError(
            f"{IMAGE} cannot be pulled ({why}) and debootstrap is not here to make it",
            remedy="apt-get install debootstrap (as root, on Debian), or let the engine pull",
        )
    with tempfile.TemporaryDirectory(prefix="cluster-tests-") as scratch:
        root = Path(scratch) / "root"
        done = subprocess.run(
            [tool, "--variant=minbase", SUITE, str(root), mirror],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise LabError(
                f"debootstrap from {mirror} failed: {done.stdout[-1000:]}{done.stderr[-500:]}",
                remedy="apt-get update, and run it as root",
            )
        return _import(client, root, Path(scratch) / "root.tar")


def _import(client: DockerClient, root: Path, archive: Path) -> str:
    # What debootstrap downloaded would travel to every node.
    for leftover in ("var/cache/apt", "var/lib/apt/lists"):
        shutil.rmtree(root / leftover)
    with tarfile.open(archive, "w") as tar:
        tar.add(root, arcname=".")
    name, tag = IMAGE.split(":")
    with translated(f"importing {IMAGE}"):
        client.api.import_image_from_file(
            str(archive), repository=name, tag=tag, changes=[f"LABEL {LABEL}=base", 'CMD ["bash"]']
        )
        return str(client.images.get(IMAGE).id)


def apt_settings() -> dict[str, bytes]:
    """Return files for ``/etc/apt`` that make a Debian 13 use this machine's mirror.

    Empty on machines that are not Debian: the image's own settings serve there.
    """
    mirror = host_mirror()
    if mirror is None:
        return {}
    files = {"sources.list.d/lab.sources": _sources(mirror), "apt.conf.d/99lab": _acquire()}
    if mirror.startswith("https:") and _CERTIFICATES.is_file():
        files["lab-certificates.crt"] = _CERTIFICATES.read_bytes()
        files["apt.conf.d/99lab"] += b'Acquire::https::CAInfo "/etc/apt/lab-certificates.crt";\n'
    return files


def _sources(mirror: str) -> bytes:
    lines = (
        "Types: deb",
        f"URIs: {mirror}",
        f"Suites: {SUITE} {SUITE}-updates",
        "Components: main",
    )
    return "\n".join([*lines, f"Signed-By: {_KEYRING}", ""]).encode()


def _acquire() -> bytes:
    dump = subprocess.run(
        ["apt-config", "dump", "Acquire"], capture_output=True, text=True, check=True
    )
    kept = (line for line in dump.stdout.splitlines() if line.startswith(_ACQUIRE))
    return "".join(f"{line}\n" for line in kept).encode()


def host_mirror(etc: Path = Path("/etc")) -> str | None:
    """Return the Debian mirror that this machine's APT uses, or None where it is no Debian.

    Reads both formats of sources.list(5).
    """
    if "ID=debian" not in _text(etc / "os-release").splitlines():
        return None
    codename = _text(etc / "os-release").partition("VERSION_CODENAME=")[2].split("\n")[0]
    for path in sorted((etc / "apt/sources.list.d").glob("*.sources")):
        for stanza in re.split(r"\n\s*\n", _text(path)):
            fields = dict(re.findall(r"^(\w[\w-]*):[ \t]*(.+)$", stanza, re.MULTILINE))
            if codename in fields.get("Suites", "").split() and "main" in fields.get(
                "Components", ""
            ):
                return str(fields["URIs"].split()[0])
    one_line = re.compile(rf"^deb\s+(?:\[[^]]*\]\s+)?(\S+)\s+{codename}\s.*\bmain\b", re.MULTILINE)
    for path in (etc / "apt/sources.list", *sorted((etc / "apt/sources.list.d").glob("*.list"))):
        if found := one_line.search(_text(path)):
            return str(found[1])
    return None


def _text(path: Path) -> str:
    return path.read_text() if path.is_file() else ""
