"""The same connection as a command line for a person: what remedies tell to try."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tunnels.specs import Target


def ssh_command(target: Target) -> str:
    """Write the ``ssh`` that goes the same way, with the same keys and known hosts."""
    known = " ".join(str(path) for path in target.known_hosts_files)
    words = ["ssh", "-p", str(target.port)]
    words += [word for path in target.identity_files for word in ("-i", str(path))]
    words += ["-o", f"UserKnownHostsFile={known}", *way(target), f"{target.user}@{target.host}"]
    return shlex.join(words)


def way(target: Target) -> list[str]:
    """Write the options that lead through jump hosts or a proxy command; none for a direct way."""
    if target.proxy_command:
        return ["-o", f"ProxyCommand={target.proxy_command}"]
    jumps = [str(jump) for jump in _jumps(target)]
    return ["-o", f"ProxyJump={','.join(reversed(jumps))}"] if jumps else []


def _jumps(target: Target) -> Iterator[Target]:
    """Go through the jump hosts, from the target's own to the first one."""
    while target.jump is not None:
        target = target.jump
        yield target
