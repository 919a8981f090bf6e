"""Reads the sites a ``CADDYFILE`` declares: addresses and upstreams, nothing else.

Grammar: https://caddyserver.com/docs/caddyfile/concepts. A site is a line of addresses that ends
in ``{``, lines of directives (which may open blocks of their own), and a ``}`` on a line of its
own. Snippets and global options are refused: an application shares its node's Caddy with others.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from cluster_tests.errors import DefinitionError

if TYPE_CHECKING:
    from collections.abc import Iterator

# Caddy 2's directive, and the one of Caddy 1 that older services still carry.
_PROXY_DIRECTIVES = ("reverse_proxy", "proxy")
_TOKEN = re.compile(r'"(?:\\.|[^"\\])*"|`[^`]*`|\S+')
_REMEDY = "write the CADDYFILE as one 'ADDRESS {' line, directives, and a '}' line for each site"


@dataclass(frozen=True)
class CaddySite:
    """One address as written, its domain, and the upstreams (``host:port``) of its proxies."""

    address: str
    domain: str
    upstreams: tuple[str, ...]


def read_sites(text: str) -> list[CaddySite]:
    """List the sites of a Caddyfile in order; raise ``DefinitionError`` where it is malformed."""
    sites: list[CaddySite] = []
    addresses: list[str] = []
    upstreams: list[str] = []
    depth = 0
    for number, tokens in _lines(text):
        if depth == 0:
            addresses, upstreams = _addresses(number, tokens), []
            depth = 1
        elif tokens == ["}"]:
            depth -= 1
            if depth == 0:
                sites += [_site(address, upstreams) for address in addresses]
        else:
            upstreams += _upstreams(tokens)
            depth += tokens[-1] == "{"
    if depth:
        raise DefinitionError("CADDYFILE: a site's block is not closed", remedy=_REMEDY)
    return sites


def _lines(text: str) -> Iterator[tuple[int, list[str]]]:
    """Yield number and tokens of each line that has any; ``#`` opens a comment at a token."""
    for number, line in enumerate(text.splitlines(), start=1):
        tokens = _TOKEN.findall(line)
        comment = next((i for i, token in enumerate(tokens) if token.startswith("#")), None)
        if tokens[:comment]:
            yield number, tokens[:comment]


def _addresses(number: int, tokens: list[str]) -> list[str]:
    *names, brace = tokens
    addresses = [name for token in names for name in token.split(",") if name]
    if brace != "{" or not addresses or any(name.startswith("(") for name in addresses):
        line = " ".join(tokens)
        raise DefinitionError(
            f"CADDYFILE line {number}: expected a site's addresses and '{{', found {line!r}",
            remedy=_REMEDY,
        )
    return addresses


def _upstreams(tokens: list[str]) -> list[str]:
    if tokens[0] not in _PROXY_DIRECTIVES:
        return []
    # What starts with / @ or * before the upstreams is the directive's matcher.
    return [token for token in tokens[1:] if token[0] not in "/@*{"]


def _site(address: str, upstreams: list[str]) -> CaddySite:
    domain = urlsplit(address if "://" in address else f"//{address}").hostname
    if not domain:
        raise DefinitionError(f"CADDYFILE: no domain in the address {address!r}", remedy=_REMEDY)
    return CaddySite(address, domain, tuple(upstreams))
