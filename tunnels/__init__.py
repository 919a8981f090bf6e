"""SSH forwards: one, and a group that opens all or none. Knows nothing of clusters.

    from pathlib import Path
    from tunnels import SocketForward, Target, TcpForward, TunnelGroup, http_answers

    node = Target("node1.example", 22, "core", Path("keys/core"), Path("known_hosts"))
    docker = SocketForward("/var/run/docker.sock", Path("/run/user/1000/t/node1.sock"),
                           answers=http_answers("/_ping"))
    consul = TcpForward("127.0.0.1", 8500)
    with TunnelGroup({"node1": (node, [docker, consul])}) as group:
        print(f"export DOCKER_HOST=unix://{group['node1'].addresses[docker]}")
        host, port = group["node1"].forward(TcpForward("172.30.77.11", 80))  # at any later time

A connection that is lost is opened again, and the addresses stay; ``group["node1"].health`` tells.

From top to bottom: ``group`` (all or none) and ``tunnel`` (one connection and its forwards);
``entrance`` (one forward's near end), ``gate`` (where connections wait), ``line`` (the SSH
connection, kept), ``relay`` (one forwarded connection), ``local`` (listening sockets), ``pulse``
(is it alive), ``backoff`` and ``diagnosis`` (why not); ``connection`` (from a target to a login),
``carrier`` and ``proxy_command`` (the way there); ``login``, ``keyring``, ``agent``, ``identity``,
``passphrase`` (who we are); ``known_hosts`` and ``new_hosts`` (who answers); ``transport``,
``channel``, ``command``, ``packets`` and ``wire`` (what paramiko lacks), ``loop`` (the one
thread); ``ssh_config`` and ``ssh_tokens`` (a target from OpenSSH's file); ``by_hand``, ``specs``,
``health``, ``answers``, ``errors``, ``log``.

paramiko carries the SSH connection: handshake, keys, encryption. Its channels are replaced, for the
reasons that ``channel`` and ``transport`` give. sshtunnel could forward TCP over the same
transport, and is only the yardstick: it closes the channel when the client has finished sending, so
that the answer is lost; it counts a forward as open that leads nowhere; it needs a thread and three
descriptors for each connection, and does not wait for them when it stops; it reaches no UNIX
socket, so that there would be two of everything. tests/tunnels/test_tunnels_sshtunnel.py keeps
these facts.
"""

from tunnels.answers import http_answers
from tunnels.errors import TunnelError
from tunnels.group import TunnelGroup
from tunnels.health import Health, State, Traffic
from tunnels.specs import Answers, Forward, SocketForward, Target, TcpAsSocketForward, TcpForward
from tunnels.ssh_config import target_from_config
from tunnels.tunnel import Tunnel

__all__ = [
    "Answers",
    "Forward",
    "Health",
    "SocketForward",
    "State",
    "Target",
    "TcpAsSocketForward",
    "TcpForward",
    "Traffic",
    "Tunnel",
    "TunnelError",
    "TunnelGroup",
    "http_answers",
    "target_from_config",
]
