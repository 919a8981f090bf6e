"""A service's repository before it is published: a directory, with templates to be filled in.

A file called ``NAME.in`` becomes ``NAME``: ``@{word}`` in it stands for a value. Everything else
is taken as it is, modes and symbolic links too; ``images/`` stays behind, the lab builds it.

``variants/NAME.yml`` describes another version of the service by what it does differently:
``compose`` is merged into the compose file (null takes a key out), ``files`` are more files of the
repository with their text, templates as well, and executable where they begin with ``#!``.
Where ``files`` has a ``docker-compose.yml`` the version is no service: what it declares is never
read, because no cluster may come to run it.
"""

from __future__ import annotations

import re
import shutil
import string
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import yaml

from cluster_tests.definition import parse_definition
from cluster_tests.errors import DefinitionError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from cluster_tests.model import ServiceDefinition

_COMPOSE = "docker-compose.yml"
_TEMPLATE = ".in"
_LEFT_BEHIND = ("images", "variants")
_SCRIPT = 0o755


class _Template(string.Template):
    """``@{word}`` alone: a compose file is full of dollars, and no word goes without braces."""

    delimiter = "@"
    idpattern = r"(?!)"
    braceidpattern = r"[a-z_]+"


@dataclass(frozen=True)
class ServiceSource:
    """A version of a service; ``compose`` is the template of its compose file.

    ``files`` are the templates of what this version has besides the directory, or instead of it.
    """

    directory: Path
    compose: str
    files: Mapping[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The service's name: the repository's, and what its images' names begin with."""
        return self.directory.name

    def with_compose(self, compose: str) -> ServiceSource:
        """Make another version of the same service, with another compose template."""
        return replace(self, compose=compose)

    def variant(self, name: str) -> ServiceSource:
        """Make the version that ``variants/NAME.yml`` describes.

        Raises ``DefinitionError`` when there is no such file, or it says something else.
        """
        path = self.directory / "variants" / f"{name}.yml"
        try:
            described = yaml.safe_load(path.read_text(encoding="utf-8"))
            compose, files = described.pop("compose", {}), described.pop("files", {})
        except (OSError, yaml.YAMLError, AttributeError) as error:
            raise DefinitionError(f"{path} describes no variant: {error}") from error
        if described:
            raise DefinitionError(f"{path}: nothing is known of {', '.join(described)}")
        merged = _merged(yaml.safe_load(self.compose), compose)
        return replace(self, compose=yaml.safe_dump(merged, sort_keys=False), files=files)

    def definition(self, values: Mapping[str, str]) -> ServiceDefinition:
        """Read what this version declares once it is filled in."""
        return parse_definition(_filled(self.compose, values, _COMPOSE))

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
        for name, text in self.files.items():
            _write(target / name, text)
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


def _write(path: Path, text: str) -> None:
    template = path.with_name(f"{path.name}{_TEMPLATE}")
    path.parent.mkdir(parents=True, exist_ok=True)
    template.write_text(text, encoding="utf-8")
    if text.startswith("#!"):
        template.chmod(_SCRIPT)


def _merged(base: Any, change: Any) -> Any:  # noqa: ANN401 - whatever YAML holds
    """Merge mappings key by key; anything else takes the place of what was there."""
    if not (isinstance(base, dict) and isinstance(change, dict)):
        return change
    taken_out = {key for key, value in change.items() if value is None}
    merged = {key: _merged(base.get(key), value) for key, value in change.items()}
    return {key: value for key, value in {**base, **merged}.items() if key not in taken_out}


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
