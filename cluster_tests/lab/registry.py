"""The forge's registry, as this machine sees it: what travels to the nodes is pushed here once."""

from __future__ import annotations

import base64
import io
import json
import tarfile
import tempfile
from typing import TYPE_CHECKING, Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

from cluster_tests.errors import LabError
from cluster_tests.lab.engine import translated
from cluster_tests.lab.plan import REGISTRY

if TYPE_CHECKING:
    from collections.abc import Iterable

    from docker import DockerClient

    from cluster_tests.lab.progress import Progress

_MANIFESTS = "application/vnd.docker.distribution.manifest.v2+json"
_TIMEOUT = 10


class Registry:
    """Pushes images and the volume plugin through the registry's loopback port.

    Source of the manifest format: Docker Image Manifest V2, Schema 2.
    """

    def __init__(self, client: DockerClient, port: int, progress: Progress) -> None:
        """Use the registry that listens on this machine's loopback ``port``."""
        self._client = client
        self._here = f"127.0.0.1:{port}"
        self._progress = progress
        self._http = requests.Session()
        # A forge that has just been started refuses, resets or drops connections for a moment.
        patient = Retry(total=40, backoff_factor=0.05, backoff_max=0.5)
        self._http.mount("http://", HTTPAdapter(max_retries=patient))

    def push(self, tag: str, name: str) -> str:
        """Push the local image ``tag`` as ``name``, unless it is there.

        Return the nodes' name for it.
        """
        image = self._client.images.get(tag)
        if self._config(name, "latest") != image.id:
            self._progress.step(name, "pushing")
            with translated(f"pushing {name} to the forge"):
                image.tag(f"{self._here}/{name}", "latest")
                self._follow(self._client.api.push(f"{self._here}/{name}", "latest", stream=True))
            # The image stays under its own tag; the registry's name is of no more use here.
            self._client.images.remove(f"{self._here}/{name}:latest", noprune=True)
            self._progress.step(name, "pushed")
        return f"{REGISTRY}/{name}:latest"

    def push_plugin(self, tag: str, settings: bytes) -> str:
        """Make a managed plugin of the local image ``tag`` and push it.

        Return the nodes' name for it.
        Source of ``settings``: Docker's plugin configuration, version 1.
        """
        name, version = tag.rsplit("/", 1)[-1].split(":")
        name = f"{name}-plugin"
        if self._config(name, version) is None:
            self._progress.step(name, "making the plugin")
            local = f"{self._here}/{name}:{version}"
            with translated(f"making the plugin {name}"):
                self._create_plugin(tag, settings, local)
                try:
                    self._push_plugin(local)
                finally:
                    self._client.api.remove_plugin(local, force=True)
            self._progress.step(name, "pushed")
        return f"{REGISTRY}/{name}:{version}"

    def _config(self, name: str, tag: str) -> str | None:
        """Return the digest of the image's configuration (its ID), None where it is not there."""
        url = f"http://{self._here}/v2/{name}/manifests/{tag}"
        try:
            reply = self._http.get(url, headers={"Accept": _MANIFESTS}, timeout=_TIMEOUT)
        except requests.RequestException as error:
            raise LabError(
                f"forge: its registry does not answer: {error}",
                remedy="cluster-tests lab logs forge",
            ) from error
        if reply.status_code == requests.codes.not_found:
            return None
        reply.raise_for_status()
        return str(reply.json()["config"]["digest"])

    def _create_plugin(self, tag: str, settings: bytes, name: str) -> None:
        """Upload configuration and root file system in one archive.

        The archive is rewritten here because an unpacked root file system loses its owners where
        this process is not root.
        """
        with tempfile.TemporaryFile() as upload:
            with tarfile.open(fileobj=upload, mode="w") as plugin:
                _add(plugin, "config.json", settings)
                self._add_root(plugin, tag)
            upload.seek(0)
            self._post("/plugins/create", data=upload, params={"name": name})

    def _push_plugin(self, name: str) -> None:
        """Push a plugin (docker-py 7.2 asks for a path that engines do not have)."""
        nobody = base64.urlsafe_b64encode(b"{}")
        reply = self._post(f"/plugins/{name}/push", headers={"X-Registry-Auth": nobody})
        self._follow(reply.iter_content(None))

    def _post(self, path: str, **request: Any) -> requests.Response:  # noqa: ANN401 - handed on as it is
        api = self._client.api
        reply: requests.Response = api.post(
            f"{api.base_url}/v{api.api_version}{path}", timeout=api.timeout, **request
        )
        if not reply.ok:
            raise LabError(f"the engine refuses POST {path}: {reply.text.strip()}")
        return reply

    def _add_root(self, plugin: tarfile.TarFile, tag: str) -> None:
        container = self._client.containers.create(tag)
        try:
            with tempfile.TemporaryFile() as exported:
                for chunk in container.export():
                    exported.write(chunk)
                exported.seek(0)
                with tarfile.open(fileobj=exported) as root:
                    for entry in root:
                        content = root.extractfile(entry) if entry.isfile() else None
                        entry.name = f"rootfs/{entry.name}"
                        if entry.islnk():
                            entry.linkname = f"rootfs/{entry.linkname}"
                        plugin.addfile(entry, content)
        finally:
            container.remove(force=True)

    @staticmethod
    def _follow(chunks: Iterable[bytes]) -> None:
        """Read a push to its end: the engine reports failures inside the stream only."""
        for line in b"".join(chunks).splitlines():
            if line.strip() and "error" in (event := json.loads(line)):
                raise LabError(
                    f"pushing to the forge failed: {event['error']}",
                    remedy="cluster-tests lab logs forge",
                )


def _add(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    entry = tarfile.TarInfo(name)
    entry.size = len(content)
    tar.addfile(entry, io.BytesIO(content))
