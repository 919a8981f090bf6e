"""Reads HAProxy's configuration into sections, fronts and backends.

Grammar: https://docs.haproxy.org/3.0/configuration.html, sections 2 (quoting), 4 (proxies) and 7
(ACLs). What decides where a request goes is read; what does not is passed over. What decides and
is not understood is kept as such, for ``haproxy`` to refuse where it concerns the application.
"""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING

from cluster_tests.proxies.haproxy_match import Condition, read_acl, read_condition

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

# fmt: off
_SECTIONS = frozenset({
    "backend", "cache", "crt-store", "defaults", "fcgi-app", "frontend", "global",
    "http-errors", "listen", "log-forward", "log-profile", "mailers", "peers", "program",
    "resolvers", "ring", "traces", "userlist",
})
# fmt: on
_WILDCARD = re.compile(r"(?:ipv[46]@)?(?:\*|0\.0\.0\.0|\[::\]|::)?:(\d+(?:-\d+)?)")
_PORTS = re.compile(r"(?:^|:)(?P<first>\d+)(?:-(?P<last>\d+))?$")
_CONFIGURATIONS = 64  # that are kept: two of each node of a large cluster
_UNPLAIN_SERVER = frozenset({"backup", "disabled"})


class HaproxySyntaxError(ValueError):
    """A configuration that cannot be read; the message names the line."""


@dataclass(frozen=True)
class Statement:
    """One line's words, with its number."""

    line: int
    words: tuple[str, ...]

    def __str__(self) -> str:
        """Print as a place in the file."""
        return f"line {self.line}: {' '.join(self.words)}"


@dataclass
class _Section:
    kind: str
    name: str
    parent: str
    statements: list[Statement] = field(default_factory=list)


@dataclass(frozen=True)
class Rule:
    """A ``use_backend`` or ``default_backend``: which requests go to which backend."""

    backend: str
    condition: Condition
    statement: Statement


@dataclass(frozen=True)
class Front:
    """Where requests come in: a ``frontend``, or a ``listen``."""

    name: str
    mode: str
    binds: tuple[str, ...]
    rules: tuple[Rule, ...]


@dataclass(frozen=True)
class Backend:
    """Where requests go out: ``address:port`` of each server; ``unclear`` is what else decides."""

    name: str
    servers: tuple[str, ...]
    unclear: tuple[Statement, ...] = ()


@dataclass(frozen=True)
class HaproxyConfig:
    """All fronts, and all backends by name."""

    fronts: tuple[Front, ...]
    backends: Mapping[str, Backend]


@lru_cache(maxsize=_CONFIGURATIONS)
def parse_haproxy(text: str) -> HaproxyConfig:
    """Read a configuration's text; raise ``HaproxySyntaxError`` where it cannot be read.

    What was read is kept for a while: from one look to the next, most nodes' have not changed.
    """
    sections = list(_sections(_statements(text)))
    modes = _default_modes(sections)
    fronts = [_front(section, modes) for section in sections if section.kind in _FRONTS]
    backends = [_backend(section) for section in sections if section.kind in _BACKENDS]
    return HaproxyConfig(tuple(fronts), {backend.name: backend for backend in backends})


def normal_bind(address: str) -> str:
    """Write every way to say "on all addresses" as the port alone."""
    found = _WILDCARD.fullmatch(address)
    return found[1] if found else address


def normal_binds(declared: Iterable[str]) -> set[str]:
    """Write the addresses of ``bind`` statements, as many as each may hold, the same way."""
    # An address may be followed by HAProxy's options for it, and hold several with commas.
    addresses = (address for bind in declared for address in bind.split()[0].split(","))
    return {normal_bind(address) for address in addresses}


def ports_of(binds: Iterable[str]) -> set[int]:
    """List the TCP ports of addresses as ``normal_bind`` writes them, those of ranges too."""
    found = (_PORTS.search(bind) for bind in binds)
    return {
        port
        for ports in found
        if ports is not None
        for port in range(int(ports["first"]), int(ports["last"] or ports["first"]) + 1)
    }


# --- lines and sections ---------------------------------------------------------------------

_FRONTS = frozenset({"frontend", "listen"})
_BACKENDS = frozenset({"backend", "listen"})


def _statements(text: str) -> Iterator[Statement]:
    for number, line in enumerate(text.splitlines(), start=1):
        try:
            words = shlex.split(line, comments=True)
        except ValueError as error:
            raise HaproxySyntaxError(f"line {number}: {error}: {line.strip()}") from error
        if words and words[0].startswith("."):
            raise HaproxySyntaxError(f"line {number}: conditional blocks are not read: {words[0]}")
        if words:
            yield Statement(number, tuple(words))


def _sections(statements: Iterable[Statement]) -> Iterator[_Section]:
    section: _Section | None = None
    for statement in statements:
        first = statement.words[0]
        if first in _SECTIONS:
            if section is not None:
                yield section
            section = _begun(statement)
        elif section is None:
            raise HaproxySyntaxError(f"{statement}: stands before the first section")
        else:
            section.statements.append(statement)
    if section is not None:
        yield section


def _begun(statement: Statement) -> _Section:
    kind, *words = statement.words
    parent = ""
    if "from" in words:
        place = words.index("from")
        words, parent = words[:place], "".join(words[place + 1 : place + 2])
    name = words[0] if words else ""
    if kind in _FRONTS | _BACKENDS and not name:
        raise HaproxySyntaxError(f"{statement}: a name is missing")
    section = _Section(kind, name, parent)
    if kind in _FRONTS and len(words) > 1:
        # The form of old: "listen NAME ADDRESS:PORT".
        section.statements.append(Statement(statement.line, ("bind", *words[1:])))
    return section


def _default_modes(sections: Iterable[_Section]) -> dict[int, str]:
    """Tell each section's default mode: from the defaults it names, or those above it."""
    modes: dict[int, str] = {}
    named: dict[str, str] = {}
    above = "tcp"
    for section in sections:
        inherited = named.get(section.parent, above) if section.parent else above
        if section.kind == "defaults":
            above = named[section.name] = _last(section, "mode") or (
                inherited if section.parent else "tcp"
            )
        modes[id(section)] = inherited
    return modes


def _last(section: _Section, keyword: str) -> str:
    found = [s.words[1] for s in section.statements if s.words[0] == keyword and len(s.words) > 1]
    return found[-1] if found else ""


# --- fronts and backends --------------------------------------------------------------------


def _front(section: _Section, modes: Mapping[int, str]) -> Front:
    binds = [
        normal_bind(address)
        for statement in section.statements
        if statement.words[0] == "bind"
        for address in _argument(statement).split(",")
    ]
    return Front(
        name=section.name,
        mode=_last(section, "mode") or modes[id(section)],
        binds=tuple(sorted(set(binds))),
        rules=tuple(_rules(section)),
    )


def _rules(section: _Section) -> Iterator[Rule]:
    acls: dict[str, list[Condition]] = {}
    default: Rule | None = None
    for statement in section.statements:
        keyword, *words = statement.words
        if keyword == "acl":
            acls.setdefault(_argument(statement), []).append(read_acl(words[1:]))
        elif keyword == "use_backend":
            backend = _plain(statement)
            yield Rule(backend, read_condition(words[1:], acls), statement)
        elif keyword == "default_backend":
            default = Rule(_plain(statement), Condition(), statement)
    if default is not None:
        yield default
    if section.kind == "listen":
        yield Rule(section.name, Condition(), Statement(0, ("listen", section.name)))


def _plain(statement: Statement) -> str:
    name = _argument(statement)
    if "%" in name or "$" in name:
        raise HaproxySyntaxError(f"{statement}: a backend chosen by an expression is not read")
    return name


def _backend(section: _Section) -> Backend:
    servers: list[str] = []
    unclear: list[Statement] = []
    for statement in section.statements:
        keyword, *words = statement.words
        if keyword == "server":
            if len(words) <= 1:
                raise HaproxySyntaxError(f"{statement}: an address is missing")
            if _UNPLAIN_SERVER.intersection(words) or "$" in words[1]:
                unclear.append(statement)
            servers.append(words[1])
        elif keyword in {"server-template", "use-server", "dispatch"}:
            unclear.append(statement)
    return Backend(section.name, tuple(servers), tuple(unclear))


def _argument(statement: Statement) -> str:
    if len(statement.words) <= 1:
        raise HaproxySyntaxError(f"{statement}: an argument is missing")
    return statement.words[1]
