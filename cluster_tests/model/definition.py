"""What a service's repository declares."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, order=True)
class ComposeService:
    """A service of the compose file; ``image`` is empty where the node builds it."""

    name: str
    image: str


@dataclass(frozen=True, order=True)
class VolumeDefinition:
    """A volume the compose file declares, by its short name (without the project's prefix)."""

    name: str
    driver: str = "local"
    labels: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, order=True)
class SiteDefinition:
    """An address that the service wants Caddy to answer, from its ``CADDYFILE``.

    ``port`` is the upstream's port in the service's own container; None where the site answers
    by itself. A site with several upstreams is several of these.
    """

    url: str
    domain: str
    service: str
    port: int | None


@dataclass(frozen=True, order=True)
class FrontDefinition:
    """A way past Caddy, from the service's ``HAPROXY``.

    ``match`` is the domain that selects it (empty: everything that arrives), ``port`` the
    container's port, ``peer_port`` the one at which other nodes ask the master's address.
    ``bind`` is empty for the shared fronts, whose ``frontend`` part the contract ignores.
    """

    front: str
    mode: str
    bind: tuple[str, ...]
    match: str
    backend: str
    service: str
    port: int
    peer_port: int


@dataclass(frozen=True)
class ServiceDefinition:
    """Everything a repository declares, as far as the cluster has to act on it."""

    services: tuple[ComposeService, ...]
    volumes: tuple[VolumeDefinition, ...] = ()
    sites: tuple[SiteDefinition, ...] = ()
    fronts: tuple[FrontDefinition, ...] = ()
    check_urls: tuple[str, ...] = ()

    @property
    def domains(self) -> tuple[str, ...]:
        """The domains of all sites, sorted, each once."""
        return tuple(sorted({site.domain for site in self.sites}))

    @property
    def urls(self) -> tuple[str, ...]:
        """The addresses of all sites, sorted, each once."""
        return tuple(sorted({site.url for site in self.sites}))

    def volumes_on(self, driver: str) -> tuple[VolumeDefinition, ...]:
        """List the volumes that ``driver`` keeps: with the btrfs driver, those that move."""
        return tuple(volume for volume in self.volumes if volume.driver == driver)

    def volumes_off(self, driver: str) -> tuple[VolumeDefinition, ...]:
        """List those of any other driver: with the btrfs driver, those that stay behind."""
        return tuple(volume for volume in self.volumes if volume.driver != driver)
