"""Runs git in one work tree, and pushes from it to one branch of one remote repository.

Nothing is read from or written to the user's git configuration, with one exception: a remote for
which the inventory names no key is reached as the user reaches it (credential helpers, agent).
Protocol of ``push --porcelain`` and of leases: https://git-scm.com/docs/git-push.
"""

from __future__ import annotations

import os
import shlex
import subprocess
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Literal

from cluster_tests.errors import HarnessError, NodeError, RefusedError
from cluster_tests.inventory.secrets import without_secrets

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from cluster_tests.inventory.entries import KeyAccess

RefKind = Literal["heads", "tags"]
AUTHOR = "cluster-tests"
AUTHOR_EMAIL = "cluster-tests@localhost"
_OF_THE_USER = ("HOME", "PATH", "SSH_AUTH_SOCK", "XDG_CONFIG_HOME")
_ISOLATED = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
_IDENTITY = {
    f"GIT_{who}_{what}": value
    for who in ("AUTHOR", "COMMITTER")
    for what, value in (("NAME", AUTHOR), ("EMAIL", AUTHOR_EMAIL))
}


@dataclass(frozen=True)
class RemoteBranch:
    """A branch or tag of a repository of the forge; ``access`` is the key for an ssh URL.

    ``kept`` are options of ssh for connections that are kept (``kept_ssh``).
    """

    url: str
    branch: str
    access: KeyAccess | None
    timeout: float
    kind: RefKind = "heads"
    kept: tuple[str, ...] = ()

    @property
    def ref(self) -> str:
        """The branch's or tag's full name."""
        return f"refs/{self.kind}/{self.branch}"


@contextmanager
def work_tree() -> Iterator[WorkTree]:
    """Give an empty work tree that is gone afterwards: a service's keys do not stay on disk."""
    with TemporaryDirectory(prefix="cluster-tests-git-") as directory:
        tree = WorkTree(Path(directory))
        tree.initialise()
        yield tree


class WorkTree:
    """A git work tree in ``directory``."""

    def __init__(self, directory: Path) -> None:
        """Keep the path; nothing is created yet."""
        self.directory = directory

    def initialise(self) -> None:
        """Make the directory a repository without commits."""
        self._run("init", "--quiet", "--initial-branch=main")

    def commit_all(self, message: str) -> str:
        """Commit everything that is in the directory and give the commit's hash."""
        self._run("add", "--all", "--force")
        self._run("commit", "--quiet", f"--message={message}")
        return self._run("rev-parse", "HEAD").stdout.strip()

    def push(self, remote: RemoteBranch, expected: str) -> None:
        """Let the branch be HEAD, provided that it still is ``expected`` ("": not there).

        Raises ``RefusedError`` when it is something else, ``NodeError`` when the forge fails.
        """
        self._push(remote, expected, "HEAD")

    def delete(self, remote: RemoteBranch, expected: str) -> None:
        """Remove the branch, provided that it still is ``expected``; errors as in ``push``."""
        self._push(remote, expected, "")

    def tip(self, remote: RemoteBranch) -> str:
        """Give the hash the branch has on the forge now, "" where there is no such branch."""
        done = self._ask(remote, "ls-remote", remote.url, remote.ref)
        if done.returncode:
            raise _forge_failed(remote, done.stderr)
        return done.stdout.partition("\t")[0]

    def author_of(self, remote: RemoteBranch) -> str:
        """Fetch the branch's last commit and give its author's address."""
        done = self._ask(remote, "fetch", "--quiet", "--depth=1", remote.url, remote.ref)
        if done.returncode:
            raise _forge_failed(remote, done.stderr)
        return self._run("show", "--no-patch", "--format=%ae", "FETCH_HEAD").stdout.strip()

    def _push(self, remote: RemoteBranch, expected: str, source: str) -> None:
        lease = f"--force-with-lease={remote.ref}:{expected}"
        refspec = f"{source}:{remote.ref}"
        done = self._ask(remote, "push", "--porcelain", lease, remote.url, refspec)
        if any(line.startswith("!") and "[rejected]" in line for line in done.stdout.splitlines()):
            raise not_ours(remote)
        if done.returncode:
            raise _forge_failed(remote, done.stdout + done.stderr)

    def _ask(self, remote: RemoteBranch, *arguments: str) -> subprocess.CompletedProcess[str]:
        settings = {"GIT_SSH_COMMAND": _ssh_command(remote, *remote.kept)} if remote.access else {}
        isolated = _ISOLATED if remote.access else {}
        try:
            return self._process(arguments, {**isolated, **settings}, remote.timeout)
        except subprocess.TimeoutExpired as error:
            raise _forge_failed(remote, f"no answer within {remote.timeout:g} s") from error

    def _run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        done = self._process(arguments, _ISOLATED, None)
        if done.returncode:
            raise HarnessError(f"git {shlex.join(arguments)} failed: {done.stderr.strip()}")
        return done

    def _process(
        self, arguments: tuple[str, ...], settings: Mapping[str, str], timeout: float | None
    ) -> subprocess.CompletedProcess[str]:
        # Not the whole environment: a GIT_DIR of the caller's would lead to another repository.
        inherited = {key: os.environ[key] for key in _OF_THE_USER if key in os.environ}
        fixed = {"LC_ALL": "C", "GIT_TERMINAL_PROMPT": "0", **_IDENTITY}
        try:
            return subprocess.run(
                ["git", *arguments],
                cwd=self.directory,
                env={**inherited, **fixed, **settings},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=timeout,
                check=False,
            )
        except FileNotFoundError as error:
            raise HarnessError("git is not installed", remedy="apt-get install git") from error


def not_ours(remote: RemoteBranch) -> RefusedError:
    """Say that a branch is not what this run left there, and what then helps."""
    return RefusedError(
        without_secrets(f"branch {remote.branch} of {remote.url} is there, and not by this run"),
        remedy=without_secrets(
            f"choose another branch, or if it is yours: git push {remote.url} :{remote.ref}"
        ),
    )


def _ssh_command(remote: RemoteBranch, *more: str) -> str:
    """Write the ssh command for git: the inventory's key and known hosts, and ``more`` options."""
    assert remote.access is not None  # noqa: S101 - the caller asked
    options = (
        "IdentitiesOnly=yes",
        "BatchMode=yes",
        "StrictHostKeyChecking=yes",
        f'UserKnownHostsFile="{remote.access.known_hosts}"',
        f"ConnectTimeout={max(1, int(remote.timeout))}",
        *more,
    )
    command = ["ssh", "-F", os.devnull, "-i", str(remote.access.identity_file)]
    return shlex.join([*command, *(word for option in options for word in ("-o", option))])


def _forge_failed(remote: RemoteBranch, output: str) -> NodeError:
    ssh = f"GIT_SSH_COMMAND={shlex.quote(_ssh_command(remote))} " if remote.access else ""
    return NodeError(
        "forge",
        without_secrets(
            f"git cannot work with {remote.url}: {output.strip() or 'it says nothing'}"
        ),
        remedy=without_secrets(f"see what answers: {ssh}git ls-remote {remote.url}"),
    )
