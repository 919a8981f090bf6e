"""Another user of this machine, and what that user can do to our files and sockets."""

from __future__ import annotations

import json
import os
import pwd
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

# Runs as root until everything it needs is imported: the other user may not be able to read it.
_TRY = """
import json, os, socket, sys
user, group, paths = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]
os.setgroups([])
os.setresgid(group, group, group)
os.setresuid(user, user, user)

def connect(path):
    with socket.socket(socket.AF_UNIX) as sock:
        sock.connect(path)

def replace(path):
    os.rename(path, path + ".moved")

told = {}
for path in paths:
    for what in (connect, os.listdir, os.stat, os.unlink, replace):
        try:
            what(path)
        except OSError as error:
            told[f"{what.__name__} {path}"] = type(error).__name__
        else:
            told[f"{what.__name__} {path}"] = "done"
print(json.dumps(told))
"""


def tries_of_another_user(*paths: Path) -> dict[str, str]:
    """Let ``nobody`` try all on each path; tell by "attempt path" the error's name, or "done"."""
    if os.geteuid() != 0:
        cannot = "only root can become another user; to mend it: sudo .venv/bin/pytest"
        if "CI" in os.environ:  # where nobody reads what was skipped
            pytest.fail(cannot)
        pytest.skip(cannot)
    nobody = pwd.getpwnam("nobody")
    done = subprocess.run(
        [
            sys.executable,
            "-I",
            "-c",
            _TRY,
            str(nobody.pw_uid),
            str(nobody.pw_gid),
            *map(str, paths),
        ],
        capture_output=True,
        text=True,
        check=False,
        cwd="/",
    )
    assert done.returncode == 0, done.stderr
    told: dict[str, str] = json.loads(done.stdout)
    return told
