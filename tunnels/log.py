"""The room's logger, ``tunnels``: silent until the program that uses it gives it a handler."""

from __future__ import annotations

import logging

LOG = logging.getLogger("tunnels")
LOG.addHandler(logging.NullHandler())

FALLBACK_LOG = logging.getLogger("tunnels.fallback")
"""What is told of forwards that sshd forbids, one by one, when another way was found."""

SSH_LOG = "tunnels.ssh"
"""What paramiko itself says. It prints tracebacks for refusals that we tell as errors, so only who
asks hears it: ``logging.getLogger("tunnels.ssh").setLevel(logging.DEBUG)``."""

logging.getLogger(SSH_LOG).setLevel(logging.CRITICAL + 1)
