"""An application: its names, and what tells its traces from those of others."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Application:
    """A repository and a branch, with every name the cluster derives from them.

    The rules are the cluster's contract (docs/contract.md, "An application").
    """

    repo_url: str
    branch: str

    @property
    def url(self) -> str:
        """The repository URL without surrounding blanks and a trailing ``.git``."""
        return self.repo_url.strip().removesuffix(".git")

    @property
    def name(self) -> str:
        """``<last path segment>_<branch>.<5 hex digits of the path's MD5>``."""
        path = urlsplit(self.url.lower()).path
        digest = hashlib.md5(path.encode(), usedforsecurity=False).hexdigest()
        return f"{path.rsplit('/', 1)[-1]}_{self.branch}.{digest[:5]}"

    @property
    def project(self) -> str:
        """The compose project: the name less every character outside ``a-z0-9``."""
        return "".join(c for c in self.name if c in "abcdefghijklmnopqrstuvwxyz0123456789")

    @property
    def volume_prefix(self) -> str:
        """What every volume's name starts with."""
        return f"{self.project}_"

    @property
    def record_key(self) -> str:
        """KV key of the application's record."""
        return f"app/{self.name}"

    @property
    def maintenance_key(self) -> str:
        """KV key that exists while the application is in maintenance."""
        return f"maintenance/{self.name}"

    @property
    def meeting_prefix(self) -> str:
        """What every KV key starts with below which the nodes meet during a switch."""
        return f"migrate/{self.name}/"

    def __str__(self) -> str:
        """Print the name, by which operators know it."""
        return self.name


@dataclass(frozen=True)
class Footprint:
    """What tells an application's traces from those of others, where no label does.

    ``domains`` and ``ports`` are those of every definition it had: what an older version left
    behind must be found too. ``ports`` are HAProxy binds, written as ``normal_bind`` writes them.
    """

    application: Application
    domains: frozenset[str] = frozenset()
    ports: frozenset[str] = frozenset()

    def is_container(self, name: str) -> bool:
        """Tell whether a container's name is one of the application's: compose's, v1 or v2."""
        return name.startswith((f"{self.application.project}_", f"{self.application.project}-"))
