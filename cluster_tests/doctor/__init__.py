"""``cluster-tests doctor``: whether an inventory leads where it says, and what mends it if not.

From top to bottom: ``commands`` and ``paper`` (how it is told); ``examination`` (everything that is
looked at); ``node``, ``login`` and ``forge`` (the looks); ``judging`` (what must be true of what
was seen); ``checking`` (a check, what it needs, its deadline); ``findings``.
"""
