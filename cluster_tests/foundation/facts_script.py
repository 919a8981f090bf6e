"""Runs inside each node's Consul container, and prints as JSON what stands below the cluster.

``read_facts`` (facts.py) hands this file's text to ``python3 -c``: it must get by with the standard
library and the clients that the contract puts there. Its arguments are the port of Consul's HTTP
API, and addresses (names or IP addresses) to be resolved as the node resolves them.
"""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import urllib.request
from typing import Any

# Seconds for each client, and for Consul.
_PATIENCE = 8


def said(*command: str) -> str:
    """Run a command and give what it says; its own words are the error."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=_PATIENCE, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(command[:2])}: {done.stderr.strip()}")
    return done.stdout.strip()


def asked(port: int, path: str) -> Any:  # noqa: ANN401 - whatever JSON holds
    """Ask this node's own Consul agent."""
    url = f"http://127.0.0.1:{port}/v1/{path}"
    with urllib.request.urlopen(url, timeout=_PATIENCE) as answer:
        return json.load(answer)


def resolved(address: str) -> list[str]:
    """Give the IP addresses that an address means here; none when it means nothing."""
    try:
        return sorted({str(found[4][0]) for found in socket.getaddrinfo(address, None)})
    except OSError:
        return []


def main() -> None:
    """Read everything and print it."""
    port, addresses = int(sys.argv[1]), sys.argv[2:]
    client = json.loads(said("docker", "version", "--format", "{{json .Client}}"))
    members = asked(port, "agent/members")
    facts = {
        "hostname": socket.gethostname(),
        "versions": {
            "client": client["Version"],
            "client_api": client["ApiVersion"],
            "compose": said("docker-compose", "version", "--short"),
            "buttervolume": said("buttervolume", "--version"),
            "btrfs": said("btrfs", "--version").splitlines()[0],
            "consul": asked(port, "agent/self")["Config"]["Version"],
        },
        "leader": asked(port, "status/leader"),
        "members": [[each["Name"], each["Status"], each["Addr"]] for each in members],
        "resolved": {address: resolved(address) for address in addresses},
    }
    sys.stdout.write(json.dumps(facts))


if __name__ == "__main__":
    main()
