"""Reads HAProxy's conditions as far as they select by domain.

A condition is a list of alternatives (``or``, ``||``), each a list of ACLs that must all hold, by
name or in braces. An ACL that tests Host header or TLS server name holds for its domains; every
other test is kept as "unclear": whoever needs the answer refuses it, nobody guesses.
Source: https://docs.haproxy.org/3.0/configuration.html, sections 7.1 and 7.2.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

# Fetches of the name a request asks for, with converters that only tidy it.
_BY_DOMAIN = re.compile(
    r"(?:(?:req\.)?f?hdr(?:_dom|_str)?\(host(?:,-?\d+)?\)|hdr_dom\(host\)|req[._]ssl_sni|ssl_fc_sni)"
    r"(?:,(?:lower|host_only|(?:field|word)\(1,:\)))*",
    re.IGNORECASE,
)
_METHODS = frozenset({"str", "dom"})
_OR = frozenset({"or", "||", "OR"})
_NEVER_A_DOMAIN = re.compile(r"[^A-Za-z0-9.:_-]")


@dataclass(frozen=True)
class Condition:
    """Domains that satisfy a condition; nothing at all means that everything does.

    ``unclear`` holds the words of tests that are not about domains alone. ``named`` holds every
    domain the condition mentions, understood or not.
    """

    domains: tuple[str, ...] = ()
    unclear: tuple[str, ...] = ()
    mentioned: tuple[str, ...] = ()

    @property
    def always(self) -> bool:
        """Whether everything satisfies it."""
        return not self.domains and not self.unclear


def read_acl(words: Sequence[str]) -> Condition:
    """Read what follows an ACL's name, or stands between braces."""
    text = " ".join(words)
    values = list(words[1:])
    plain = bool(words) and _BY_DOMAIN.fullmatch(words[0]) is not None
    while plain and values and values[0].startswith("-"):
        flag = values.pop(0)
        if flag == "-m":
            plain = bool(values) and values.pop(0) in _METHODS
        elif flag == "--":
            break
        else:
            plain = flag == "-i"
    values = [_domain(value) for value in values]
    if not plain or not values or any(_NEVER_A_DOMAIN.search(value) for value in values):
        return Condition(unclear=(text,), mentioned=tuple(_domain(word) for word in words))
    return Condition(tuple(values), mentioned=tuple(values))


def read_condition(words: Sequence[str], acls: Mapping[str, Sequence[Condition]]) -> Condition:
    """Read ``if ...`` with the ACLs declared so far; no words mean "always"."""
    if not words:
        return Condition()
    alternatives = [_all_of(terms, acls) for terms in _split(words[1:])]
    if words[0] != "if" or not all(alternatives):
        return _unclear(words, alternatives)
    met = [terms[0] for terms in alternatives if len(terms) == 1]
    if len(met) < len(alternatives) or any(term.unclear or term.always for term in met):
        return _unclear(words, alternatives)
    domains = tuple(dict.fromkeys(domain for term in met for domain in term.domains))
    return Condition(domains, mentioned=domains)


def _unclear(words: Sequence[str], alternatives: Iterable[Sequence[Condition]]) -> Condition:
    mentioned = (name for terms in alternatives for term in terms for name in term.mentioned)
    return Condition(unclear=(" ".join(words),), mentioned=tuple(dict.fromkeys(mentioned)))


def _split(words: Sequence[str]) -> list[list[str]]:
    """Split at "or"; within braces nothing is split."""
    alternatives: list[list[str]] = [[]]
    depth = 0
    for word in words:
        depth += (word == "{") - (word == "}")
        if depth == 0 and word in _OR:
            alternatives.append([])
        else:
            alternatives[-1].append(word)
    return alternatives


def _all_of(words: Sequence[str], acls: Mapping[str, Sequence[Condition]]) -> list[Condition]:
    """Read the ACLs that must all hold."""
    terms: list[Condition] = []
    rest = list(words)
    while rest:
        word = rest.pop(0)
        if word in {"!{", "{"} and "}" in rest:
            end = rest.index("}")
            term = read_acl(rest[:end])
            rest = rest[end + 1 :]
            terms.append(term if word == "{" else _negated(term))
        elif word == "!":
            terms.append(Condition(unclear=("!",)))
        else:
            term = _any_of(word.removeprefix("!"), acls)
            terms.append(_negated(term) if word.startswith("!") else term)
    return terms


def _any_of(name: str, acls: Mapping[str, Sequence[Condition]]) -> Condition:
    """Join the declarations of one name: any of them will do."""
    declared = acls.get(name, ())
    if not declared:
        return Condition(unclear=(name,))  # HAProxy's own, such as HTTP or TRUE
    return Condition(
        tuple(domain for acl in declared for domain in acl.domains),
        tuple(word for acl in declared for word in acl.unclear),
        tuple(word for acl in declared for word in acl.mentioned),
    )


def _negated(term: Condition) -> Condition:
    return Condition(unclear=("!", *term.unclear, *term.domains), mentioned=term.mentioned)


def _domain(value: str) -> str:
    """Write a domain as DNS knows it; a port behind it is the front's affair."""
    return value.lower().partition(":")[0]
