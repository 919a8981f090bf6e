"""The room's logger, ``tunnels``: silent until the program that uses it gives it a handler."""

from __future__ import annotations

import logging

LOG = logging.getLogger("tunnels")
LOG.addHandler(logging.NullHandler())

SSH_LOG = "tunnels.ssh"
"""What paramiko itself says. It prints tracebacks for refusals that we tell as errors, so only who
asks hears it: ``logging.getLogger("tunnels.ssh").setLevel(logging.DEBUG)``."""

logging.getLogger(SSH_LOG).setLevel(logging.CRITICAL + 1)
