"""Files that are replaced while an engine packs them, as it sends them then."""

from __future__ import annotations

import base64
import json
import tarfile
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

import pytest
import requests

from cluster_tests.errors import NodeError
from cluster_tests.nodes.node import Engine

if TYPE_CHECKING:
    from collections.abc import Callable

FILE = PurePosixPath("/etc/proxy.cfg")
SHORT, LONG = b"short", b"a good deal longer"


class PaperArchives:
    """An engine's SDK client: packs ``files`` under the size that each had a moment before."""

    base_url, api_version = "http+docker://localhost", "1.45"

    def __init__(self) -> None:
        self.files: dict[str, bytes | str] = {}  # a content, or the target of a link
        self.changed: dict[str, int] = {}  # stands for the time of the last change
        self.between: list[Callable[[], None]] = []  # happens once between size and content
        self.fetched = 0

    def put(self, content: bytes | str, path: str = str(FILE)) -> None:
        self.files[path] = content
        self.changed[path] = self.changed.get(path, 0) + 1

    def stat(self, path: str) -> dict[str, Any]:
        return {"size": len(self.files[path]), "mtime": self.changed[path]}

    def get_archive(self, _container: str, path: str) -> tuple[list[bytes], dict[str, Any]]:
        self.fetched += 1
        stat = self.stat(path)
        if self.between:
            self.between.pop(0)()
        return [packed(self.files[path], stat["size"])], stat

    def head(self, url: str, *, params: dict[str, str], timeout: float) -> requests.Response:
        assert url == "http+docker://localhost/v1.45/containers/haproxy/archive"
        assert timeout == 1
        answer = requests.Response()
        answer.status_code = 200 if params["path"] in self.files else 404
        if answer.ok:
            told = json.dumps(self.stat(params["path"])).encode()
            answer.headers["X-Docker-Container-Path-Stat"] = base64.b64encode(told).decode()
        return answer


def packed(content: bytes | str, size: int) -> bytes:
    """Pack as the engine does: the first ``size`` bytes, or as many as there are."""
    member = tarfile.TarInfo("file")
    if isinstance(content, str):
        member.type, member.linkname = tarfile.SYMTYPE, content
        return member.tobuf() + bytes(2 * tarfile.BLOCKSIZE)
    member.size = size
    if len(content) < size:
        return member.tobuf() + content
    padding = bytes(-size % tarfile.BLOCKSIZE + 2 * tarfile.BLOCKSIZE)
    return member.tobuf() + content[:size] + padding


@pytest.fixture
def archives() -> PaperArchives:
    return PaperArchives()


@pytest.fixture
def engine(archives: PaperArchives) -> Engine:
    engine = Engine("core3", Path("/nowhere"), 1)
    engine._api = archives
    return engine


def read(engine: Engine) -> bytes:
    return engine.read_archived("haproxy", FILE)


@pytest.mark.parametrize(("before", "after"), [(SHORT, LONG), (LONG, SHORT), (SHORT, SHORT[::-1])])
def test_a_file_that_is_replaced_while_it_is_read_is_read_again(
    engine: Engine, archives: PaperArchives, before: bytes, after: bytes
) -> None:
    archives.put(before)
    archives.between = [lambda: archives.put(after)]
    assert read(engine) == after
    assert archives.fetched == 2


def test_one_that_was_read_is_fetched_again_once_it_has_changed(
    engine: Engine, archives: PaperArchives
) -> None:
    archives.put(SHORT)
    assert [read(engine), read(engine)] == [SHORT, SHORT]
    assert archives.fetched == 1
    archives.put(LONG)
    assert read(engine) == LONG


def test_one_that_is_never_left_alone_is_told(engine: Engine, archives: PaperArchives) -> None:
    archives.put(SHORT)
    archives.between = [lambda: archives.put(LONG), lambda: archives.put(SHORT)] * 10
    with pytest.raises(NodeError, match=r"core3: haproxy: /etc/proxy\.cfg was replaced while"):
        read(engine)


def test_a_link_is_followed_to_where_it_leads_now(engine: Engine, archives: PaperArchives) -> None:
    archives.put("one.cfg")
    archives.put(SHORT, "/etc/one.cfg")
    archives.put(LONG, "/etc/two.cfg")
    assert read(engine) == SHORT
    archives.put("two.cfg")
    assert read(engine) == LONG


def test_a_link_to_itself_is_no_file(engine: Engine, archives: PaperArchives) -> None:
    archives.put("proxy.cfg")
    with pytest.raises(NodeError, match=r"haproxy: /etc/proxy\.cfg is no file"):
        read(engine)
