"""Images of the lab: built once on this machine's engine, recognised by what went into them."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from docker.errors import ImageNotFound

from cluster_tests.errors import LabError
from cluster_tests.lab.engine import File, archive, translated
from cluster_tests.lab.plan import LABEL, PREFIX

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from docker import DockerClient

    from cluster_tests.lab.progress import Progress


@dataclass(frozen=True)
class Recipe:
    """What an image is made of: a directory with a Dockerfile, arguments, and files beside."""

    name: str
    directory: Path
    arguments: Mapping[str, str] = field(default_factory=dict)
    extra: Mapping[str, bytes] = field(default_factory=dict)

    def files(self) -> list[File]:
        """List the build context with paths relative to the Dockerfile, in a fixed order."""
        own = [
            File(
                str(path.relative_to(self.directory)),
                path.read_bytes(),
                path.stat().st_mode & 0o777,
            )
            for path in sorted(self.directory.rglob("*"))
            if path.is_file() and "__pycache__" not in path.parts
        ]
        return own + [File(name, content) for name, content in sorted(self.extra.items())]

    @property
    def tag(self) -> str:
        """``cluster-tests/<name>:<digest of everything that goes in>``."""
        digest = hashlib.sha256(repr(sorted(self.arguments.items())).encode())
        for file in self.files():
            digest.update(f"{file.path} {file.mode} ".encode())
            digest.update(hashlib.sha256(file.content or b"").digest())
        return f"{PREFIX}/{self.name}:{digest.hexdigest()[:12]}"


def build(client: DockerClient, recipe: Recipe, progress: Progress) -> str:
    """Return the tag of the recipe's image, built first if it is not there.

    Raises LabError with the build's last lines when it fails.
    """
    tag = recipe.tag
    try:
        client.images.get(tag)
    except ImageNotFound:
        _build(client, recipe, tag, progress)
    return tag


def _build(client: DockerClient, recipe: Recipe, tag: str, progress: Progress) -> None:
    progress.step(recipe.name, "building")
    words: list[str] = []
    with translated(f"building {recipe.name}"):
        events = client.api.build(
            fileobj=archive(recipe.files()),
            custom_context=True,
            tag=tag,
            buildargs=dict(recipe.arguments),
            labels={LABEL: "image"},
            network_mode="host",
            rm=True,
            forcerm=True,
            decode=True,
        )
        for event in events:
            words.append(event.get("stream", ""))
            if event.get("stream", "").startswith("Step "):
                progress.step(recipe.name, f"building, {event['stream'].split(' : ')[0].lower()}")
            if "error" in event:
                raise LabError(
                    f"building {recipe.name} failed: {event['error']}\n{''.join(words)[-2000:]}",
                    remedy=f"mend {recipe.directory.name}/Dockerfile, or the network it needs",
                )
    progress.step(recipe.name, "built")


def python_packages(requirements: Path, directory: Path, python: str) -> dict[str, bytes]:
    """Return the installed files of ``requirements`` for the ``python`` of an image, below python/.

    Fetched and unpacked out here, where pip has this machine's settings and certificates; only
    packages that need no compiler and no particular machine will do.
    Raises LabError when pip fails.
    """
    wanted = hashlib.sha256(requirements.read_bytes()).hexdigest()[:12]
    store = directory / wanted
    if not store.is_dir():
        fresh = directory / f"{wanted}.new"
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-compile", "--upgrade"]
        source = ["--only-binary=:all:", "--platform", "any", "--python-version", python]
        target = ["--target", str(fresh), "-r", str(requirements)]
        done = subprocess.run([*pip, *source, *target], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise LabError(
                f"fetching {requirements} failed: {done.stderr[-1000:]}",
                remedy="check pip's index settings: python3 -m pip config list",
            )
        fresh.replace(store)
    files = sorted(path for path in store.rglob("*") if path.is_file())
    return {f"python/{path.relative_to(store)}": path.read_bytes() for path in files}
