"""Tokens, ``~`` and environment variables in the values of an ssh_config(5): its section TOKENS.

What ``ssh -G`` prints has them filled in for some keywords only.
"""

from __future__ import annotations

import os
import pwd
import re
import socket
from collections.abc import Mapping
from pathlib import Path

from tunnels.errors import SshConfigError

Words = Mapping[str, str]
"""What the tokens that depend on the host stand for, by their letter."""


def expand(value: str, words: Words) -> str:
    """Fill in a leading ``~``, ``${VARIABLE}`` and tokens. Raises SshConfigError."""
    value = re.sub(r"\$\{([^}]*)\}", lambda found: _variable(found[1], value), value)
    if value.startswith("~"):
        value = _home_of(value)
    local = _local_words()

    def word(found: re.Match[str]) -> str:
        letter = found[1]
        if letter not in words and letter not in local:
            raise SshConfigError(
                f"the token %{letter} in '{value}' is not supported",
                remedy="write out what it stands for",
            )
        return words.get(letter) or local[letter]

    return re.sub(r"%(.?)", word, value)


def expand_command(command: str, alias: str) -> str:
    """Fill the alias, ``%n``, into a proxy command; the other tokens are for who runs it."""
    return re.sub(r"%([%n])", lambda found: alias if found[1] == "n" else "%%", command)


def _variable(name: str, value: str) -> str:
    try:
        return os.environ[name]
    except KeyError:
        raise SshConfigError(
            f"'{value}' names the environment variable {name}, which is not set",
            remedy=f"set {name}",
        ) from None


def _home_of(value: str) -> str:
    try:
        return str(Path(value).expanduser())
    except RuntimeError as error:
        raise SshConfigError(f"'{value}': {error}", remedy="write the path out") from error


def _local_words() -> Words:
    account = pwd.getpwuid(os.getuid())
    host = socket.gethostname()
    return {
        "%": "%",
        "d": account.pw_dir,
        "i": str(account.pw_uid),
        "L": host.partition(".")[0],
        "l": host,
        "u": account.pw_name,
    }
