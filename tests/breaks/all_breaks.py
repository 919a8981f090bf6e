"""All breaks there are, by what they are about."""

from __future__ import annotations

from typing import TYPE_CHECKING

from breaks_below import IN_FOUNDATION
from breaks_in_company import IN_COMPANY
from breaks_in_declaring import IN_DECLARING
from breaks_in_leaving import IN_LEAVING
from breaks_in_migrating import IN_MIGRATING
from breaks_in_placing import IN_PLACING
from breaks_in_refusing import IN_REFUSING
from breaks_in_serving import IN_SERVING
from breaks_of_tours import IN_TOURS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from breaking import Breakage

FAMILIES: Mapping[str, tuple[Breakage, ...]] = {
    "Where it is, what is replicated, what Consul says": IN_PLACING,
    "Where requests go, what is served, what is kept": IN_SERVING,
    "Destroys, masters alone, volumes that come and go": IN_LEAVING,
    "Refusals, versions that cannot be deployed, events that come twice": IN_REFUSING,
    "Migrations and scripts": IN_MIGRATING,
    "Maintenance, and applications side by side": IN_COMPANY,
    "What a repository declares, and how its versions are named": IN_DECLARING,
    "Tours": IN_TOURS,
    "What the cluster stands on": IN_FOUNDATION,
}
ALL_BREAKS: tuple[Breakage, ...] = tuple(one for family in FAMILIES.values() for one in family)
