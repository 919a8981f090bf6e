"""Runs in a container of its own on a node, and tells what directories hold, as JSON.

``replication`` sends this file's text through ``python3 -c``: it must get by with the standard
library.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
import sys
from pathlib import Path

PLACE = "/content"  # where the directories are mounted, each under a name


def content(root: Path) -> dict[str, object]:
    """Count the files below ``root``, and hash names, owners, modes and bytes of everything."""
    digest = hashlib.sha256()
    files = 0
    for path in sorted(root.rglob("*")):
        found = path.lstat()
        name = os.fsencode(path.relative_to(root))
        digest.update(b"%s\0%o %d %d\0" % (name, found.st_mode, found.st_uid, found.st_gid))
        if stat.S_ISREG(found.st_mode):
            digest.update(hashlib.sha256(path.read_bytes()).digest())
            files += 1
        elif stat.S_ISLNK(found.st_mode):
            digest.update(os.fsencode(path.readlink()))
    return {"files": files, "sha256": digest.hexdigest()}


def main() -> None:
    """Write what each directory holds, by its name."""
    sys.stdout.write(json.dumps({each.name: content(each) for each in Path(PLACE).iterdir()}))


if __name__ == "__main__":
    main()
