"""Reads what a service's repository declares from the text of its ``docker-compose.yml``.

The rules are the cluster's contract (docs/contract.md, "An application"). Reading is strict: what
the contract does not know is refused, so that the oracle never expects something by guesswork.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import yaml

from cluster_tests.definition.caddyfile import read_sites
from cluster_tests.errors import DefinitionError
from cluster_tests.model import (
    ComposeService,
    FrontDefinition,
    ServiceDefinition,
    SiteDefinition,
    VolumeDefinition,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

# The fronts that all applications share, with the mode the contract gives them: HTTP by Host,
# HTTPS passed through by SNI.
_SHARED_FRONTS = {"http-in": "http", "https-in": "tcp"}
_HIGHEST_PORT = 65535
# HAProxy's anonymous ACLs that select a backend by domain: Host header, or the TLS hello's name.
_BY_DOMAIN = re.compile(
    r"if\s+\{\s*(?:(?:req\.)?hdr\(host\)|req[._]ssl_sni|ssl_fc_sni)\s+(?:-i\s+)?(\S+)\s*\}"
)


def parse_definition(compose: str) -> ServiceDefinition:
    """Read a compose file's text; raise ``DefinitionError`` that names the faulty place."""
    document = _mapping(_load(compose, "docker-compose.yml"), "docker-compose.yml")
    services = {
        name: _mapping(body, f"service {name}")
        for name, body in _section(document, "services", "docker-compose.yml").items()
    }
    if not services:
        raise DefinitionError("docker-compose.yml declares no service")
    sites: list[SiteDefinition] = []
    fronts: list[FrontDefinition] = []
    check_urls: list[str] = []
    for name, body in services.items():
        environment = _environment(name, body)
        sites += _sites(name, environment.get("CADDYFILE", ""))
        fronts += _fronts(name, environment.get("HAPROXY", ""))
        check_urls += _check_urls(name, environment.get("CONSUL_CHECK_URLS", ""))
    return ServiceDefinition(
        services=tuple(
            ComposeService(name, str(services[name].get("image") or ""))
            for name in sorted(services)
        ),
        volumes=tuple(_volumes(document, services)),
        sites=tuple(sorted(sites, key=lambda site: (site.url, site.service, site.port or 0))),
        fronts=tuple(sorted(fronts)),
        check_urls=tuple(sorted(check_urls)),
    )


# --- volumes --------------------------------------------------------------------------------


def _volumes(
    document: Mapping[str, Any], services: Mapping[str, Mapping[str, Any]]
) -> Iterator[VolumeDefinition]:
    declared = _section(document, "volumes", "docker-compose.yml")
    mounted = {volume for name, body in services.items() for volume in _mounted(name, body)}
    for name in sorted(declared):
        body = _mapping(declared[name] or {}, f"volume {name}")
        if body.get("external"):
            continue  # not the application's own: it neither moves nor goes with it
        if "name" in body:
            raise DefinitionError(
                f"volume {name}: a name of its own ({body['name']}) evades the project's prefix",
                remedy="drop 'name:' from the volume",
            )
        if name not in mounted:
            # Compose creates no volume that nothing mounts, so the cluster could not keep it.
            raise DefinitionError(
                f"volume {name} is declared, and no service mounts it",
                remedy="mount the volume in a service, or drop it",
            )
        yield VolumeDefinition(name, str(body.get("driver", "local")), _labels(name, body))


def _mounted(service: str, body: Mapping[str, Any]) -> Iterator[str]:
    """Yield the sources of a service's mounts, in the short or the long syntax."""
    for mount in _list(body.get("volumes") or [], f"service {service}: volumes"):
        yield str(mount.get("source", "")) if isinstance(mount, dict) else str(mount).split(":")[0]


def _labels(volume: str, body: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    return tuple(sorted(_pairs(body.get("labels"), f"volume {volume}: labels").items()))


# --- what a service asks for in its environment ---------------------------------------------


def _environment(service: str, body: Mapping[str, Any]) -> dict[str, str]:
    return _pairs(body.get("environment"), f"service {service}: environment")


def _sites(service: str, caddyfile: str) -> Iterator[SiteDefinition]:
    for site in read_sites(caddyfile):
        ports: list[int | None] = [_upstream_port(service, each) for each in site.upstreams]
        for port in ports or [None]:
            yield SiteDefinition(site.address, site.domain, service, port)


def _upstream_port(service: str, upstream: str) -> int:
    # Without a scheme, urlsplit would take "$CONTAINER" for one.
    target = urlsplit(upstream if "://" in upstream else f"//{upstream}")
    if target.netloc.split(":")[0] != "$CONTAINER":
        raise DefinitionError(
            f"service {service}: CADDYFILE: the upstream {upstream!r} is not $CONTAINER",
            remedy="proxy to $CONTAINER, which stands for the service's own container",
        )
    port = target.netloc.partition(":")[2]
    return _port(port or "80", f"service {service}: CADDYFILE: upstream {upstream!r}")


def _fronts(service: str, haproxy: str) -> Iterator[FrontDefinition]:
    place = f"service {service}: HAPROXY"
    for front, value in _mapping(_load(haproxy, place) or {}, place).items():
        body = _mapping(value, f"{place}: {front}")
        mode, bind = _frontend(front, body, f"{place}: {front}")
        backends = _list(body.get("backends"), f"{place}: {front}: backends")
        if not backends:
            raise DefinitionError(f"{place}: {front}: no backends")
        for number, item in enumerate(backends):
            where = f"{place}: {front}: backends[{number}]"
            backend = _mapping(item, where)
            yield FrontDefinition(
                front=front,
                mode=mode,
                bind=bind,
                match=matched_domain(str(backend.get("use_backend_option") or "")),
                backend=str(_required(backend, "name", where)),
                service=service,
                port=_port(_required(backend, "port", where), f"{where}: port"),
                peer_port=_port(_required(backend, "peer_port", where), f"{where}: peer_port"),
            )


def _frontend(front: str, body: Mapping[str, Any], place: str) -> tuple[str, tuple[str, ...]]:
    """Tell mode and addresses of a front; the contract fixes those of the shared ones."""
    if front in _SHARED_FRONTS:
        return _SHARED_FRONTS[front], ()
    where = f"{place}: frontend"
    frontend = _mapping(_required(body, "frontend", place), where)
    mode = str(_required(frontend, "mode", where))
    if mode not in _SHARED_FRONTS.values():
        raise DefinitionError(f"{where}: mode {mode!r} is neither tcp nor http")
    bind = _required(frontend, "bind", where)
    addresses = [bind] if isinstance(bind, str) else _list(bind, f"{where}: bind")
    return mode, tuple(str(address) for address in addresses)


def declared_checks(text: str) -> tuple[str, ...]:
    """Read the URLs that a ``service.json`` has Consul ask instead of all others.

    It is a service definition as in Consul's files, where ``service`` may stand around it:
    https://developer.hashicorp.com/consul/docs/services/configuration/services-configuration-reference
    """
    place = "service.json"
    document = _mapping(_load(text, place), place)
    service = _mapping(document.get("service", document), place)
    checks = _list(service.get("checks") or [], f"{place}: checks")
    return tuple(
        sorted(
            str(_required(_mapping(each, place), "http", f"{place}: a check")) for each in checks
        )
    )


def matched_domain(use_backend_option: str) -> str:
    """Tell the domain that HAProxy's ``use_backend`` condition selects, "" where there is none.

    Source: https://docs.haproxy.org/3.0/configuration.html, sections 4.2 (use_backend) and 7.
    Raises ``DefinitionError`` for a condition that selects by anything but a domain.
    """
    if not use_backend_option.strip():
        return ""
    found = _BY_DOMAIN.fullmatch(use_backend_option.strip())
    if found is None:
        raise DefinitionError(
            f"use_backend_option {use_backend_option!r} does not select by one domain",
            remedy="write it as 'if { hdr(host) -i DOMAIN }' or 'if { req_ssl_sni -i DOMAIN }'",
        )
    return found[1]


def _check_urls(service: str, value: str) -> list[str]:
    place = f"service {service}: CONSUL_CHECK_URLS"
    return [str(url) for url in _list(_load(value, place) or [], place)]


# --- strict reading of YAML -----------------------------------------------------------------


def _load(text: str, place: str) -> object:
    try:
        loaded: object = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise DefinitionError(f"{place}: not YAML: {error}") from error
    return loaded


def _mapping(value: object, place: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise DefinitionError(f"{place}: expected a mapping, found {value!r}")
    return {str(key): item for key, item in value.items()}


def _section(document: Mapping[str, Any], key: str, place: str) -> dict[str, Any]:
    return _mapping(document.get(key) or {}, f"{place}: {key}")


def _list(value: object, place: str) -> list[Any]:
    if not isinstance(value, list):
        raise DefinitionError(f"{place}: expected a list, found {value!r}")
    return value


def _required(mapping: Mapping[str, Any], key: str, place: str) -> object:
    if mapping.get(key) is None:
        raise DefinitionError(f"{place}: {key} is missing")
    return mapping[key]


def _pairs(value: object, place: str) -> dict[str, str]:
    """Read compose's two ways to write strings by name: a mapping, or a list of ``KEY=VALUE``."""
    if isinstance(value, list):
        return {key: text for key, _, text in (str(item).partition("=") for item in value)}
    return {key: _string(item) for key, item in _mapping(value or {}, place).items()}


def _string(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()  # as compose hands YAML's true and false on
    return "" if value is None else str(value)


def _port(value: object, place: str) -> int:
    text = str(value)
    if not text.isascii() or not text.isdigit() or not 0 < int(text) <= _HIGHEST_PORT:
        raise DefinitionError(f"{place}: {text!r} is not a port")
    return int(text)
