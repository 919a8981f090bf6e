"""The application's KV record: what it must say, and what of it can be compared.

``domains``, ``urls`` and ``volumes`` are compared without their order. ``caddyfile`` and
``haproxy`` may be written in the cluster's own way: they are compared by what they mean.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cluster_tests.definition.caddyfile import read_sites
from cluster_tests.definition.compose import matched_domain
from cluster_tests.errors import DefinitionError
from cluster_tests.model import Application, Footprint
from cluster_tests.proxies.haproxy_config import normal_binds

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from cluster_tests.expectation.question import Question

_UNORDERED = ("domains", "urls", "volumes")
# The time of the switch is the cluster's to tell; fields the contract does not name are its own.
_FIELDS = (
    "repo_url",
    "branch",
    "deploy_id",
    "previous_deploy_id",
    "master",
    "slave",
    "ip",
    *_UNORDERED,
    "caddyfile",
    "haproxy",
    "ct",
)


def expected_record(question: Question, names: Mapping[str, str]) -> dict[str, object]:
    """Write the record as ``comparable_record`` writes an observed one."""
    placement, definition = question.placement, question.definition
    master = placement.master or ""
    return {
        "repo_url": question.application.url,
        "branch": question.application.branch,
        "deploy_id": question.history.event_id,
        "previous_deploy_id": question.history.previous_deploy_id,
        "master": master,
        "slave": placement.slave,
        "ip": question.inventory.address_of(master),
        "domains": sorted(definition.domains),
        "urls": sorted(definition.urls),
        "volumes": sorted(question.btrfs_volumes),
        "caddyfile": _set(
            (site.url, "" if site.port is None else f"{names[site.service]}:{site.port}")
            for site in definition.sites
        ),
        "haproxy": _set(
            (entry.front, entry.match.lower(), names[entry.service], entry.port, entry.peer_port)
            for entry in definition.fronts
        ),
        "ct": {service.name: names[service.name] for service in definition.services},
    }


def comparable_record(record: Mapping[str, object] | None) -> dict[str, object] | None:
    """Reduce an observed record to the fields and the meaning that can be predicted."""
    if record is None:
        return None
    reduced = {field: record.get(field, "(absent)") for field in _FIELDS}
    # A first deploy has none before it, however that is written.
    reduced["previous_deploy_id"] = record.get("previous_deploy_id") or None
    for field in _UNORDERED:
        value = reduced[field]
        reduced[field] = sorted(value) if isinstance(value, list) else value
    reduced["caddyfile"] = _caddyfile(reduced["caddyfile"])
    reduced["haproxy"] = _haproxy(reduced["haproxy"])
    return reduced


def footprint_of(record: Mapping[str, Any]) -> Footprint:
    """Tell by what an application's traces are found when all that is known is its record."""
    matched = {
        matched_domain(backend.get("use_backend_option") or "").lower()
        for front in _fronts(record)
        for backend in front["backends"]
    }
    domains = {domain.lower() for domain in record.get("domains") or ()} | matched
    application = Application(record["repo_url"], record["branch"])
    return Footprint(application, frozenset(domains - {""}), frozenset(binds_of(record)))


def binds_of(record: Mapping[str, Any]) -> set[str]:
    """Tell the addresses that a record claims, also while no proxy serves them."""
    return {bind for front in _fronts(record) for bind in _binds(front.get("frontend") or {})}


def _fronts(record: Mapping[str, Any]) -> Iterable[Mapping[str, Any]]:
    fronts: Mapping[str, Mapping[str, Any]] = record.get("haproxy") or {}
    return fronts.values()


def _binds(frontend: Mapping[str, Any]) -> set[str]:
    declared = frontend.get("bind") or []
    return normal_binds([declared] if isinstance(declared, str) else declared)


def _caddyfile(text: object) -> object:
    if not isinstance(text, str):
        return text
    try:
        sites = read_sites(text)
    except DefinitionError:
        return text  # shown as it is, next to what was expected
    return _set((site.address, up) for site in sites for up in site.upstreams or ("",))


def _haproxy(fronts: Any) -> object:  # noqa: ANN401 - whatever JSON holds
    try:
        return _set(
            (
                front,
                matched_domain(backend.get("use_backend_option") or "").lower(),
                backend["ct"],
                int(backend["port"]),
                int(backend["peer_port"]),
            )
            for front, body in fronts.items()
            for backend in body["backends"]
        )
    except (AttributeError, KeyError, TypeError, ValueError, DefinitionError):
        return fronts  # shown as it is, next to what was expected


def _set(items: Iterable[tuple[object, ...]]) -> list[tuple[object, ...]]:
    return sorted(set(items), key=repr)
