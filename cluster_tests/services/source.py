"""A service's repository before it is published: a directory, with templates to be filled in.

A file called ``NAME.in`` becomes ``NAME``: ``@{word}`` in it stands for a value. Everything else
is taken as it is, modes and symbolic links too; ``images/`` stays behind, the lab builds it, and
``variants/``, which are other versions: ``NAME.yml`` patches the compose file, and the files in
``NAME/`` come on top of those of the service. Where these have a ``docker-compose.yml.in`` of their
own the version is no service: what it declares is never read, for no cluster may come to run it.
"""

from __future__ import annotations

import re
import shutil
import string
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import yaml

from cluster_tests.definition.compose import declared_checks, parse_definition
from cluster_tests.errors import DefinitionError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from cluster_tests.model import ServiceDefinition

_COMPOSE = "docker-compose.yml"
_CHECKS = "service.json"
_TEMPLATE = ".in"
_VARIANTS = "variants"
_LEFT_BEHIND = ["images", _VARIANTS]


class _Template(string.Template):
    """``@{word}`` alone: a compose file is full of dollars, and no word goes without braces."""

    delimiter = "@"
    idpattern = r"(?!)"
    braceidpattern = r"[a-z_]+"


@dataclass(frozen=True)
class ServiceSource:
    """A version of a service; ``compose`` is the template of its compose file.

    ``overlay`` holds what this version has besides the directory, or instead of it.
    """

    directory: Path
    compose: str
    overlay: Path | None = None

    @property
    def name(self) -> str:
        """The service's name: the repository's, and what its images' names begin with."""
        return self.directory.name

    def with_compose(self, compose: str) -> ServiceSource:
        """Make another version of the same service, with another compose template."""
        return replace(self, compose=compose)

    def variant(self, name: str) -> ServiceSource:
        """Make the version that ``variants/NAME.yml`` and ``variants/NAME/`` describe.

        The former is a merge patch of this one, the latter comes on top. Source: JSON Merge
        Patch, RFC 7396: null removes, a list replaces. Raises ``DefinitionError`` for a variant
        that the service does not have.
        """
        variants = self.directory / _VARIANTS
        known = sorted({each.stem for each in variants.glob("*")})
        if name not in known:
            raise DefinitionError(
                f"{self.name} has no variant {name!r}", remedy=f"one of: {', '.join(known)}"
            )
        path, overlay = variants / f"{name}.yml", variants / name
        patch = yaml.safe_load(path.read_text(encoding="utf-8")) if path.exists() else {}
        merged = _merged(yaml.safe_load(self.compose), patch)
        compose = yaml.safe_dump(merged, sort_keys=False, width=1000)
        return replace(self, compose=compose, overlay=overlay if overlay.exists() else None)

    def definition(self, values: Mapping[str, str]) -> ServiceDefinition:
        """Read what this version declares once it is filled in."""
        definition = parse_definition(_filled(self.compose, values, _COMPOSE))
        checks = self.directory / f"{_CHECKS}{_TEMPLATE}"
        if not checks.exists():
            return definition
        declared = _filled(checks.read_text(encoding="utf-8"), values, _CHECKS)
        return replace(definition, check_urls=declared_checks(declared))

    def write(self, target: Path, values: Mapping[str, str]) -> None:
        """Write the repository's files into ``target``, templates filled in."""
        shutil.copytree(
            self.directory,
            target,
            symlinks=True,
            ignore=lambda directory, _: _LEFT_BEHIND if directory == str(self.directory) else [],
            dirs_exist_ok=True,
        )
        (target / f"{_COMPOSE}{_TEMPLATE}").write_text(self.compose, encoding="utf-8")
        if self.overlay is not None:
            shutil.copytree(self.overlay, target, symlinks=True, dirs_exist_ok=True)
        for template in sorted(target.rglob(f"*{_TEMPLATE}")):
            text = template.read_text(encoding="utf-8")
            filled = _filled(text, values, template.relative_to(target).as_posix())
            template.write_text(filled, encoding="utf-8")
            template.rename(template.with_suffix(""))


def load_source(directory: Path) -> ServiceSource:
    """Load a service's directory; raise ``DefinitionError`` where it is none."""
    path = directory / f"{_COMPOSE}{_TEMPLATE}"
    try:
        return ServiceSource(directory, path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise DefinitionError(
            f"{directory} is no service: {error}",
            remedy=f"name a directory with a {path.name}, as fixtures/services/ledger",
        ) from error


def _merged(target: Any, patch: Any) -> Any:  # noqa: ANN401 - whatever YAML holds
    if not isinstance(patch, dict):
        return patch
    merged = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = _merged(merged.get(key), value)
    return merged


def _filled(text: str, values: Mapping[str, str], file: str) -> str:
    try:
        return _Template(text).substitute(values)
    except KeyError as error:
        raise DefinitionError(
            f"{file}: nothing is known to fill in for @{{{error.args[0]}}}",
            remedy=f"use one of: {', '.join(sorted(values))}",
        ) from error
    except ValueError as error:
        raise DefinitionError(
            f"{file}: a lone at sign: {error}", remedy="write @@ for an at sign"
        ) from error


def plain(value: str, what: str) -> str:
    """Return ``value`` if no file it is filled into could take it for syntax, else refuse it."""
    if re.fullmatch(r"[A-Za-z0-9._:/-]+", value) is None:
        raise DefinitionError(f"{what} {value!r} has characters that would break a compose file")
    return value
