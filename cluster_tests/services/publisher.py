"""Publishes services to the forge: each application a branch, a domain and a port of its own."""

from __future__ import annotations

import re
import threading
from typing import TYPE_CHECKING, get_args

from cluster_tests.errors import RefusedError, UsageError
from cluster_tests.fronts.keys import generate_certificate, generate_keys
from cluster_tests.model import Application
from cluster_tests.services.git import AUTHOR_EMAIL, RefKind, RemoteBranch, not_ours, work_tree
from cluster_tests.services.source import plain

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from cluster_tests.inventory.entries import Inventory
    from cluster_tests.model import ServiceDefinition
    from cluster_tests.services.git import WorkTree
    from cluster_tests.services.source import ServiceSource

# The branch becomes a domain's first label (RFC 1123).
_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_TAG = "latest"  # of the images that the lab pushes
_SECONDS = 30.0  # for one exchange with the forge, which is a handful of kilobytes


class Publication:
    """An application's place on the forge: its names from the start, its branch once published.

    ``domain`` and ``port`` are the application's own, ``keys`` those of its sshd, ``definition``
    is what the version says that was published last or, before that, is about to be.
    """

    def __init__(
        self,
        source: ServiceSource,
        remote: RemoteBranch,
        inventory: Inventory,
        port: int,
        give_back: Callable[[Publication], None],
    ) -> None:
        """Give the application its names; nothing is created yet.

        ``give_back`` is called when domain and port are free again.
        """
        forge, names = inventory.forge, inventory.names
        self.application = Application(_url(forge.fetch_url, source.name), remote.branch)
        self.domain = f"{remote.branch}.{inventory.applications.domain}"
        self.port = port
        self.keys = generate_keys()
        self.certificate = generate_certificate(self.domain)
        self._remote = remote
        self._give_back = give_back
        self._values = {
            "domain": plain(self.domain, "domain"),
            "port": str(port),
            "registry": plain(forge.registry, "registry"),
            "tag": _TAG,
            "version": remote.branch,
            "network": plain(names.network, "network"),
            "volume_driver": plain(names.volume_driver, "volume driver"),
            "host_key": self.keys.host_private,
            "authorized_key": self.keys.authorized_key,
            "certificate": self.certificate.public,
            "certificate_key": self.certificate.private,
        }
        self._source = source
        self.definition: ServiceDefinition = source.definition(self._values)
        # Commits that this publication pushed, or tried to: a failed push may have arrived.
        self._pushed: set[str] = set()

    def publish(self, source: ServiceSource | None = None, **values: str) -> None:
        """Push the service, or another version of it, as the application's branch.

        ``values`` are more words that the templates of this version may use.
        Raises ``RefusedError`` when the branch is there and not by this publication,
        ``DefinitionError`` for a version that is none, ``NodeError`` when the forge fails.
        """
        self._values |= {word: plain(value, word) for word, value in values.items()}
        version = source or self._source
        definition = version.definition(self._values)
        with work_tree() as tree:
            version.write(tree.directory, self._values)
            commit = tree.commit_all(f"Publish {self.application}")
            expected = self._own_tip(tree) if self._pushed else ""
            self._pushed.add(commit)
            try:
                tree.push(self._remote, expected)
            except RefusedError:
                self._pushed.discard(commit)
                raise
        self._source, self.definition = version, definition

    def withdraw(self) -> None:
        """Remove the branch, if this publication made it, and give domain and port back.

        For when the application is gone from the cluster; calling it again does nothing.
        Raises ``RefusedError`` when somebody else changed the branch since, ``NodeError`` when the
        forge fails; the branch is left as it is then.
        """
        if self._pushed:
            with work_tree() as tree:
                tip = self._own_tip(tree)
                if tip:
                    tree.delete(self._remote, tip)
        self._pushed.clear()
        self._give_back(self)

    def _own_tip(self, tree: WorkTree) -> str:
        tip = tree.tip(self._remote)
        if tip and tip not in self._pushed:
            raise not_ours(self._remote)
        return tip


class Publisher:
    """Gives each application a branch, a domain and a port on one cluster and its forge."""

    def __init__(self, inventory: Inventory, kept: tuple[str, ...] = ()) -> None:
        """Keep where the forge is; nothing is asked yet. ``kept`` as in ``RemoteBranch``."""
        self._inventory = inventory
        self._kept = kept
        self._lock = threading.Lock()
        self._given: dict[str, Publication] = {}  # by branch

    def plan(
        self,
        source: ServiceSource,
        branch: str,
        *,
        taken: Collection[int] = (),
        kind: RefKind = "heads",
    ) -> Publication:
        """Choose domain and port for ``source`` published as ``branch``; nothing is created yet.

        With ``kind`` "tags", the version is a tag of that name.

        ``taken`` are ports that the cluster's own records show in use; those of its own
        publications are known to the publisher until they are withdrawn.
        Raises ``UsageError`` for a branch that can be no domain, ``RefusedError`` when domain or
        ports are used up, ``DefinitionError`` for a service that is none.
        """
        _require_label(branch)
        with self._lock:
            port = self._free_port(taken)
            remote = self._remote(source.name, branch, kind)
            # The domain follows from the branch: one branch name, whatever the service.
            if branch in self._given:
                raise RefusedError(
                    f"{self._given[branch].domain} is the domain of"
                    f" {self._given[branch].application} already",
                    remedy="choose another branch",
                )
            publication = Publication(source, remote, self._inventory, port, self._take_back)
            self._given[branch] = publication
        return publication

    def withdraw_leftover(self, application: Application) -> None:
        """Remove the branch or tag that a killed run left on the forge, if there is one.

        Raises ``RefusedError`` when no run of this suite wrote its last commit.
        """
        service = application.url.rsplit("/", 1)[-1].lower()
        for kind in get_args(RefKind):
            _withdraw_leftover(self._remote(service, application.branch, kind))

    def _take_back(self, publication: Publication) -> None:
        branch = publication.application.branch
        with self._lock:
            if self._given.get(branch) is publication:
                del self._given[branch]

    def _remote(self, service: str, branch: str, kind: RefKind) -> RemoteBranch:
        forge = self._inventory.forge
        url = _url(forge.push_url, service)
        return RemoteBranch(url, branch, forge.ssh, _SECONDS, kind, self._kept)

    def _free_port(self, taken: Collection[int]) -> int:
        ports = self._inventory.applications.ports
        used = {*taken, *(publication.port for publication in self._given.values())}
        free = next((port for port in ports if port not in used), None)
        if free is None:
            raise RefusedError(
                f"all of the applications' ports {ports.start}-{ports.stop - 1} are in use",
                remedy="destroy applications, or widen 'applications: {ports: …}' in the inventory",
            )
        return free


def _withdraw_leftover(remote: RemoteBranch) -> None:
    with work_tree() as tree:
        tip = tree.tip(remote)
        if not tip:
            return
        if tree.author_of(remote) != AUTHOR_EMAIL:
            raise not_ours(remote)
        tree.delete(remote, tip)


def _url(base: str, service: str) -> str:
    return f"{base}/{service}.git"


def _require_label(branch: str) -> None:
    if _LABEL.fullmatch(branch) is None:
        raise UsageError(
            f"the branch {branch!r} can be no part of a domain",
            remedy="take a-z, 0-9 and inner dashes, 63 at most",
        )
