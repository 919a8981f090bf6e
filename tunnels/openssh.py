"""What OpenSSH itself makes of an ssh_config(5) file: the output of ``ssh -G``, by keyword."""

from __future__ import annotations

import subprocess
from functools import cache
from typing import TYPE_CHECKING

from tunnels.errors import SshConfigError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

_PATIENCE = 30.0
"""Seconds for ``ssh -G``: it runs the commands of ``Match exec``, and may ask the name server."""

Settings = dict[str, list[str]]
"""The values of each keyword, which is in lower case: one of each line."""


def settings_for(alias: str, config: Path | str, options: Iterable[str] = ()) -> Settings:
    """Ask what ``ssh -F config OPTIONS alias`` would do. Raises SshConfigError."""
    command = ["ssh", "-T", "-G", "-F", str(config), *options, "--", alias]
    try:
        answer = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="surrogateescape",
            timeout=_PATIENCE,
            check=False,
        )
    except FileNotFoundError as error:
        raise SshConfigError(
            "the command ssh is missing, which reads the file for us",
            remedy="install OpenSSH's client: apt-get install openssh-client",
        ) from error
    except subprocess.TimeoutExpired as error:
        raise SshConfigError(
            f"ssh does not finish reading it within {_PATIENCE:g} s",
            remedy="see which 'Match exec' or name server keeps it: ssh -vvv -G "
            f"-F {config} {alias}",
        ) from error
    if answer.returncode:
        raise SshConfigError(
            f"ssh refuses it: {'; '.join(answer.stderr.split(chr(10))).strip('; ')}",
            remedy="correct what it names",
        )
    return _read(answer.stdout)


def _read(text: str) -> Settings:
    settings: Settings = {}
    for line in text.splitlines():
        keyword, _, value = line.partition(" ")
        settings.setdefault(keyword.lower(), []).append(value)
    return settings


@cache
def defaults() -> Settings:
    """Give what ssh does without any file. Raises SshConfigError."""
    return settings_for("host", "none")
