"""The benchmark of the tunnels: ours, OpenSSH's and sshtunnel's, beside each other.

From top to bottom: ``commands``; ``table``, ``plot`` and ``figures`` (what came of it);
``course`` (what is measured, in which order); ``sides`` (who is measured), each a process of its
own: ``ssh``, or ``carrier`` for the two that are libraries; ``client`` (who asks), ``far_end`` (who
answers), ``sshd`` (who stands between), ``process``.
"""
