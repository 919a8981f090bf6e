"""All breaks there are, of whatever family."""

from __future__ import annotations

from breaks import BREAKS
from refusal_breaks import REFUSAL_BREAKS

ALL_BREAKS = (*BREAKS, *REFUSAL_BREAKS)
