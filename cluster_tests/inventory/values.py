"""The kinds of values an inventory holds, each checked where it is read."""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    ValidationInfo,
)

# RFC 1123: letters, digits and dashes; what Consul and HAProxy take as a node's name too.
_HOST_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_GROUP_OR_OTHERS = 0o077
_HIGHEST_PORT = 65535


def beside_the_file(value: object, info: ValidationInfo) -> object:
    """Resolve a relative path against the inventory's directory; ``~`` is the user's home."""
    if not isinstance(value, str) or not value:
        raise ValueError("expected a path")
    return info.context["directory"] / Path(value).expanduser() if info.context else Path(value)


def readable(path: Path) -> Path:
    """Refuse what is no file that can be opened."""
    if not path.is_file():
        raise ValueError(f"there is no file {path}")
    return path


def _private(path: Path) -> Path:
    if path.stat().st_mode & _GROUP_OR_OTHERS:
        raise ValueError(f"{path} can be read by others; mend it with: chmod 600 {path}")
    return path


def _host_label(name: str) -> str:
    if not _HOST_LABEL.fullmatch(name):
        raise ValueError(f"{name!r} is no host name (a-z, 0-9 and inner dashes)")
    return name


def _absolute(path: PurePosixPath) -> PurePosixPath:
    if not path.is_absolute():
        raise ValueError(f"{path} is not absolute")
    return path


def _posix(value: object) -> PurePosixPath:
    if not isinstance(value, str):
        raise ValueError("expected a path")  # noqa: TRY004 - pydantic collects ValueError alone
    return PurePosixPath(value)


def _range_of_ports(value: object) -> range:
    """Read ``2200-2231``, both ends included."""
    found = re.fullmatch(r"(\d{1,5})-(\d{1,5})", str(value))
    if found is None:
        raise ValueError("expected FIRST-LAST, such as 2200-2231")
    first, last = int(found[1]), int(found[2])
    if not 0 < first <= last <= _HIGHEST_PORT:
        raise ValueError(f"{first}-{last} is no range of ports within 1-{_HIGHEST_PORT}")
    return range(first, last + 1)


def _url(value: str) -> str:
    parts = urlsplit(value)
    if not parts.scheme or not parts.netloc:
        raise ValueError(f"{value!r} is no URL")
    return value.rstrip("/")


Port = Annotated[int, Field(ge=1, le=_HIGHEST_PORT)]
Seconds = Annotated[float, Field(gt=0)]
Minutes = Annotated[int, Field(gt=0)]
Name = Annotated[str, Field(min_length=1)]
Url = Annotated[str, AfterValidator(_url)]
NodeName = Annotated[str, AfterValidator(_host_label)]
RemotePath = Annotated[PurePosixPath, BeforeValidator(_posix), AfterValidator(_absolute)]
LocalFile = Annotated[Path, BeforeValidator(beside_the_file), AfterValidator(readable)]
PrivateFile = Annotated[LocalFile, AfterValidator(_private)]
PortRange = Annotated[
    range,
    BeforeValidator(_range_of_ports),
    PlainSerializer(lambda ports: f"{ports.start}-{ports.stop - 1}"),
]


class Section(BaseModel):
    """Part of an inventory: frozen, strict, and without keys that nobody knows."""

    # Strict: "80" is no port and 1 is no yes; arbitrary types: a range has no schema of its own.
    model_config = ConfigDict(
        extra="forbid", frozen=True, strict=True, arbitrary_types_allowed=True
    )
