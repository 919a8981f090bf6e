"""The breaks: how the cluster is broken, and which sentences must then be red."""

from __future__ import annotations

from breaks_in_cases import IN_CASES
from breaks_in_leaving import IN_LEAVING
from breaks_in_placing import IN_PLACING
from breaks_in_serving import IN_SERVING

BREAKS = (*IN_PLACING, *IN_SERVING, *IN_LEAVING, *IN_CASES)
