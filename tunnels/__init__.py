"""SSH forwards: one, and a group that opens all or none. Knows nothing of clusters."""

from tunnels.answers import http_answers
from tunnels.errors import TunnelError
from tunnels.group import TunnelGroup
from tunnels.specs import Answers, Forward, SocketForward, Target, TcpForward
from tunnels.tunnel import Tunnel

__all__ = [
    "Answers",
    "Forward",
    "SocketForward",
    "Target",
    "TcpForward",
    "Tunnel",
    "TunnelError",
    "TunnelGroup",
    "http_answers",
]
