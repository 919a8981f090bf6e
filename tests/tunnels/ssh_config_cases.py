"""What an ssh_config says, and the fields of the target that it makes."""

from __future__ import annotations

import os
import pwd
from pathlib import Path
from typing import Any

ME = pwd.getpwuid(os.getuid()).pw_name
HOME = pwd.getpwuid(os.getuid()).pw_dir
KEY = "IdentityFile /keys/one\n"


TABLE: dict[str, tuple[str, dict[str, Any]]] = {
    "nothing": (KEY, {"host": "core1", "port": 22, "user": ME}),
    "a host": (
        f"Host core1\n HostName 10.0.0.1\n User core\n Port 2222\n{KEY}",
        {"host": "10.0.0.1", "user": "core", "port": 2222, "identity_file": (Path("/keys/one"),)},
    ),
    "a pattern": (f"Host core? !core2\n HostName %h.example\n{KEY}", {"host": "core1.example"}),
    "a pattern that excludes": (f"Host core* !core1\n Port 2222\nHost *\n{KEY}", {"port": 22}),
    "the first value wins": (f"Port 1\nHost core1\n Port 2\n{KEY}", {"port": 1}),
    "equal signs, quotes and comments": (
        f'Port = 2222 # mine\nUser="core"\nIdentityFile "/a b/c#d"\n{KEY}',
        {
            "port": 2222,
            "user": "core",
            "identity_file": (Path("/a b/c#d"), Path("/keys/one")),
        },
    ),
    "Match host and user": (
        f"User core\nMatch user core host core*\n Port 3\nMatch originalhost x\n Port 4\n{KEY}",
        {"port": 3},
    ),
    "Match exec": (f'Match exec "test -d /"\n Port 5\nMatch all\n{KEY}', {"port": 5}),
    "keys with tokens": (
        (
            "HostName example\nUser core\nIdentityFile ~/%n-%h\nIdentityFile ${KEYS}/%r%%\n"
            "IdentityFile %d/%u-%p"
        ),
        {
            "identity_file": (
                Path(f"{HOME}/core1-example"),
                Path("/keys of mine/core%"),
                Path(f"{HOME}/{ME}-22"),
            )
        },
    ),
    "the environment's agent": (KEY, {"agent": Path("/run/agent"), "identities_only": False}),
    "another agent": (
        f"IdentityAgent ~/%h.sock\nIdentitiesOnly yes\n{KEY}",
        {"agent": Path(f"{HOME}/core1.sock"), "identities_only": True},
    ),
    "an agent of the environment": (f"IdentityAgent $KEYS\n{KEY}", {"agent": Path(os.devnull)}),
    "no agent": (f"IdentityAgent none\n{KEY}", {"agent": None}),
    "no key files": ("IdentityFile none", {"identity_file": ()}),
    "known hosts": (
        f"UserKnownHostsFile ~/a /b/%h\nGlobalKnownHostsFile /c\nHostKeyAlias alias\n{KEY}",
        {
            "known_hosts": (Path(f"{HOME}/a"), Path("/b/core1"), Path("/c")),
            "host_key_alias": "alias",
            "accept_new": False,
        },
    ),
    "new hosts": (f"StrictHostKeyChecking accept-new\n{KEY}", {"accept_new": True}),
    "strict": (f"StrictHostKeyChecking yes\n{KEY}", {"accept_new": False}),
    "never into the system's file": (
        f"StrictHostKeyChecking accept-new\nUserKnownHostsFile none\n{KEY}",
        {"accept_new": False},
    ),
    "signs of life": (
        f"ServerAliveInterval 7\nServerAliveCountMax 2\nConnectTimeout 1m\n{KEY}",
        {"alive_interval": 7.0, "alive_count": 2, "connect_timeout": 60.0},
    ),
    "no signs of life": (
        KEY,
        {"alive_interval": 3.0, "alive_count": 3, "connect_timeout": 10.0},
    ),
    "a command": (
        f"ProxyCommand nc -x p:%p %h %p # %n %%n %r\n{KEY}",
        {"proxy_command": "nc -x p:%p %h %p # core1 %%n %r", "jump": None},
    ),
    "no command": (f"ProxyCommand none\n{KEY}", {"proxy_command": "", "jump": None}),
    "an IPv6 address": (f"HostName ::1\n{KEY}", {"host": "::1"}),
    "what has no bearing": (f"ForwardAgent yes\nLocalForward 1 localhost:1\n{KEY}", {"port": 22}),
}
