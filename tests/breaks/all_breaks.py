"""All breaks there are: those that were seen, and those that are owed."""

from __future__ import annotations

from breaks import BREAKS
from breaks_owed import OWED

ALL_BREAKS = (*BREAKS, *OWED)
