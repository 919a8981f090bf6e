"""A night's work, unattended: doctor, specs, tour and one report, under a lock and a deadline.

``steps`` says what is run, ``running`` runs it, ``commands`` is the command line.
"""
