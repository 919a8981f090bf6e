"""Why a channel was refused, as far as it can be found out, and what mends it.

For TCP sshd says enough. For a UNIX socket it says the same ("open failed", reason 2) whether
forwarding is forbidden, the path is wrong, its mode keeps the account out or nobody listens; so we
look at the path over the connection that we have. Where no command may be run, all are named.
"""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

import paramiko
from paramiko.common import OPEN_FAILED_ADMINISTRATIVELY_PROHIBITED

from tunnels.errors import FarEndError, ForwardError, ForwardingForbiddenError

if TYPE_CHECKING:
    from tunnels.relay import OpenRefused
    from tunnels.specs import Target
    from tunnels.transport import Transport

_LISTENING = " 00010000 "
"""__SO_ACCEPTCON among the flags of /proc/net/unix: proc(5), and net/unix/af_unix.c of Linux."""

# Prints one word, then the socket's group, its real path, and all listening sockets of the host.
_LOOK = """
p={path}
if [ ! -e "$p" ]; then echo missing
elif [ ! -S "$p" ]; then echo file
elif [ ! -w "$p" ]; then echo closed
else echo open
fi
stat -c %G "$p" 2>/dev/null || echo
readlink -f "$p" || echo
grep -F '{listening}' /proc/net/unix 2>/dev/null
:
"""

_ENOUGH = 1024 * 1024  # bytes of output that are read


def explain_tcp(target: Target, host: str, port: int, refusal: OpenRefused) -> ForwardError:
    """Say why no channel to ``host``:``port`` was opened."""
    if refusal.reason == OPEN_FAILED_ADMINISTRATIVELY_PROHIBITED:
        return ForwardingForbiddenError(
            f"{target} forbids TCP forwarding to {host}:{port}",
            remedy=f"set AllowTcpForwarding local (and PermitOpen) in {target.host}'s sshd_config, "
            "and see that the key's line in authorized_keys does not forbid it (restrict, "
            "no-port-forwarding, permitopen)",
        )
    return FarEndError(
        f"{target} cannot reach {host}:{port}: {refusal.text}",
        remedy=f"start what should listen there, then try on {target.host}: nc -vz {host} {port}",
    )


def explain_socket(
    transport: Transport, target: Target, path: str, refusal: OpenRefused
) -> ForwardError:
    """Say why no channel to the UNIX socket ``path`` was opened. Blocks for a command's time."""
    if refusal.reason == OPEN_FAILED_ADMINISTRATIVELY_PROHIBITED:
        return _forbidden(target, path)
    seen = _look(transport, path, target.connect_timeout)
    if seen is None:
        return FarEndError(
            f"{target} does not open {path}: {refusal.text}",
            remedy=f"see on {target.host} that it exists, that {target.user} may write it, that "
            "something listens on it, and that sshd_config does not say "
            "AllowStreamLocalForwarding no",
        )
    state, group, real_path, *listening = [*seen.splitlines(), "", "", ""]
    if state == "open" and _is_listening({path, real_path}, listening):
        return _forbidden(target, path)
    return _unreachable(target, path, state, group)


def _forbidden(target: Target, path: str) -> ForwardingForbiddenError:
    return ForwardingForbiddenError(
        f"{target} forbids forwarding of the UNIX socket {path}",
        remedy=f"set AllowStreamLocalForwarding local in {target.host}'s sshd_config, and see that "
        "the key's line in authorized_keys does not forbid it (restrict, no-port-forwarding)",
    )


def _unreachable(target: Target, path: str, state: str, group: str) -> FarEndError:
    where = f"{path} on {target.host}"
    if state == "missing":
        return FarEndError(
            f"{where} does not exist, or {target.user} may not enter its directory",
            remedy="start the service that makes it, or correct the path",
        )
    if state == "file":
        return FarEndError(f"{where} is no socket", remedy="correct the path")
    if state == "closed":
        return FarEndError(
            f"{target.user} may not write {where}; its group is {group}",
            remedy=f"on {target.host}: sudo usermod -aG {group} {target.user}, then log in anew",
        )
    return FarEndError(
        f"{where} is there, but nobody listens on it: the service is stopped",
        remedy=f"start the service on {target.host}, and look at its log",
    )


def _is_listening(paths: set[str], listening: list[str]) -> bool:
    return any(line.split(maxsplit=7)[-1] in paths for line in listening if line)


def _look(transport: Transport, path: str, timeout: float) -> str | None:
    """Run the look on the target; None when no command may be run."""
    script = _LOOK.format(path=shlex.quote(path), listening=_LISTENING)
    try:
        with transport.open_session(timeout=timeout) as session:
            session.settimeout(timeout)
            session.exec_command(f"exec sh -c {shlex.quote(script)}")
            with session.makefile("rb") as output:
                answer = output.read(_ENOUGH)
    except (paramiko.SSHException, OSError, EOFError):
        return None
    text = bytes(answer).decode(errors="replace")
    return text if text.split("\n")[0] in {"missing", "file", "closed", "open"} else None
