"""The benchmark of the tunnels: ours, OpenSSH's and sshtunnel's, beside each other.

From top to bottom: ``commands``; ``table`` and ``plot`` (what came of it); ``course`` (what is
measured, in which order); ``samples`` (measures, medians, goals); ``sides`` (who is measured), each
a process of its own: ``ssh``, or ``carrier`` for the two that are libraries; ``client`` (who asks),
``far_end`` (who answers), ``sshd`` (who stands between; the tests of tunnels use it too),
``process``.
"""
