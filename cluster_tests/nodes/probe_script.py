"""Runs inside each node's Consul container, and answers what only that container can tell.

``Probe`` (probe.py) sends this file's text through ``python3 -u -c``: it must get by with the
standard library and the ``buttervolume`` module, which the contract puts there.

Requests and answers are JSON, one a line: ``{"id": 1, "read": ["checkouts"], "name": ...}`` gives
``{"id": 1, "values": {"checkouts": [...]}}`` or ``{"id": 1, "error": "..."}``. Unasked come
``{"ready": true}``, once, and ``{"signal": ["handler.log"]}`` whenever something directly below
the deploy directory changes, or a handler that was seen has ended. The process ends at EOF on its
stdin, so that nothing stays behind when the harness dies.
"""

from __future__ import annotations

import contextlib
import ctypes
import glob
import http.client
import json
import os
import re
import select
import socket
import struct
import sys
import threading
import time
from pathlib import Path
from typing import Any

# Seconds for one answer of the volume plugin.
PLUGIN_TIMEOUT = 10
# Bytes of a log's end that are looked through.
TAIL = 1 << 18
# Every probe's command line holds this text, which may look like a handler's: none is one.
MARK = "the probe of cluster-tests"
_HTTP_OK = 200
# Times that snapshots are removed before those that are left are an error.
_ROUNDS = 10
_OUTPUT = threading.Lock()
# inotify(7): modified, moved from and to, created, deleted; and its event's fixed part.
_CHANGES = 0x2 | 0x40 | 0x80 | 0x100 | 0x200
_EVENT = struct.Struct("iIII")


# --- the volume plugin, over its own socket -------------------------------------------------


class PluginConnection(http.client.HTTPConnection):
    """HTTP over the plugin's UNIX socket."""

    def __init__(self, path: str) -> None:
        """Speak to the plugin at ``path``."""
        super().__init__("plugin", timeout=PLUGIN_TIMEOUT)
        self._path = path

    def connect(self) -> None:
        """Connect to the socket instead of a port."""
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(PLUGIN_TIMEOUT)
        self.sock.connect(self._path)


def plugin_socket() -> str:
    """Find the plugin's socket as its own command line does."""
    from buttervolume.plugin import USOCKET  # noqa: PLC0415 - absent where only tests run

    return str(USOCKET)


def ask_plugin(method: str, endpoint: str, key: str, **arguments: str) -> Any:  # noqa: ANN401
    """Ask the plugin for what its answer has under ``key``; raise ``RuntimeError`` if it errs."""
    path = plugin_socket()
    connection = PluginConnection(path)
    try:
        body = None if method == "GET" else json.dumps(arguments)
        connection.request(method, f"/VolumeDriver.{endpoint}", body)
        response = connection.getresponse()
        text = response.read().decode()
    except OSError as error:
        raise RuntimeError(f"the volume plugin does not answer at {path}: {error}") from error
    finally:
        connection.close()
    if response.status != _HTTP_OK:
        raise RuntimeError(f"the volume plugin answers {response.status} to {endpoint}")
    answer = json.loads(text)
    if answer.get("Err"):
        raise RuntimeError(f"the volume plugin answers to {endpoint}: {answer['Err']}")
    return answer[key]


def objection(endpoint: str, **arguments: str) -> str:
    """Ask the plugin to do something; give what it says against it, "" where it is done."""
    try:
        ask_plugin("POST", endpoint, "Err", **arguments)
    except RuntimeError as error:
        return str(error)
    return ""


# --- what can be read -----------------------------------------------------------------------


class Reader:
    """Each method without an underscore is a name that ``read`` may list."""

    def __init__(self, settings: dict[str, str]) -> None:
        """Read the directory, logs and processes that ``settings`` name."""
        self._settings = settings
        self._handler = re.compile(settings["handler"])
        self._watched: set[int] = set()

    def checkouts(self, request: dict[str, Any]) -> list[str]:
        """List the directories of one application below the deploy directory."""
        start = request["name"] + "-"
        found = Path(self._settings["deploy"]).glob(glob.escape(start) + "*")
        return [path.name for path in found if path.is_dir()]

    def schedules(self, request: dict[str, Any]) -> list[dict[str, str]]:
        """List the plugin's jobs for the application's volumes."""
        jobs = ask_plugin("GET", "Schedule.List", "Schedule")
        return [job for job in jobs if job["Name"].startswith(request["prefix"])]

    def btrfs_volumes(self, request: dict[str, Any]) -> list[str]:
        """List the application's volumes as the plugin has them."""
        names = [volume["Name"] for volume in ask_plugin("POST", "List", "Volumes")]
        return [name for name in names if name.startswith(request["prefix"])]

    def snapshots(self, request: dict[str, Any]) -> list[str]:
        """List the snapshots of the application's volumes."""
        names = ask_plugin("GET", "Snapshot.List", "Snapshots")
        return [name for name in names if name.startswith(request["prefix"])]

    def removed(self, request: dict[str, Any]) -> list[str]:
        """Remove the application's snapshots, until there are none, and list those that were there.

        A job of the plugin's that was under way when it was unscheduled takes some more, and
        removes others itself.
        """
        found: list[str] = []
        for _ in range(_ROUNDS):
            names = self.snapshots(request)
            if not names:
                return found
            for name in names:
                objected = objection("Snapshot.Remove", Name=name)
                if objected and name in self.snapshots(request):
                    raise RuntimeError(f"{objected} ({name})")
            found += [name for name in names if name not in found]
        raise RuntimeError(f"snapshots come back as they are removed: {', '.join(names)}")

    def taken(self, request: dict[str, Any]) -> str:
        """Take a snapshot of ``volume`` now, and give its name."""
        return str(ask_plugin("POST", "Snapshot", "Snapshot", Name=request["volume"]))

    def sent(self, request: dict[str, Any]) -> str:
        """Send ``snapshot`` to the node at ``address``; give what the plugin objects, or ""."""
        return objection("Snapshot.Send", Name=request["snapshot"], Host=request["address"])

    def created(self, request: dict[str, Any]) -> str:
        """Create an empty ``volume``; give what the plugin objects, or ""."""
        return objection("Create", Name=request["volume"])

    def dropped(self, request: dict[str, Any]) -> str:
        """Remove ``volume``; give what the plugin objects, or ""."""
        return objection("Remove", Name=request["volume"])

    def clock(self, _request: dict[str, Any]) -> float:
        """Tell the node's time in seconds since the epoch."""
        return time.time()

    def restored(self, request: dict[str, Any]) -> str:
        """Restore ``snapshot`` as ``volume``; give what the plugin objects, or ""."""
        return objection("Snapshot.Restore", Name=request["snapshot"], Target=request["volume"])

    def handled(self, request: dict[str, Any]) -> bool:
        """Tell whether the event's ID is in the log of handled events."""
        return request["event"] in tail(self._settings["events_log"])

    def handling(self, _request: dict[str, Any]) -> list[str]:
        """List the command lines of the processes that handle an event right now."""
        lines = {process: command_line(process) for process in Path("/proc").glob("[1-9]*")}
        found = {
            process: line
            for process, line in lines.items()
            if MARK not in line and self._handler.search(line)
        }
        for process in found:
            self._watch_end(int(process.name))
        return list(found.values())

    def _watch_end(self, process: int) -> None:
        """Signal once a process has ended: nothing else would tell, and whoever waits looks on."""
        if process not in self._watched:
            self._watched.add(process)
            threading.Thread(target=self._tell_end, args=(process,), daemon=True).start()

    def _tell_end(self, process: int) -> None:
        # Gone already: that is an end too.
        with contextlib.suppress(ProcessLookupError):
            descriptor = os.pidfd_open(process)
            select.select([descriptor], [], [])
            os.close(descriptor)
        self._watched.discard(process)
        tell({"signal": ["the end of a handler"]})

    def told(self, request: dict[str, Any]) -> list[str]:
        """List the lines of the handler's log that name the event, however long ago it was."""
        try:
            with Path(self._settings["handler_log"]).open(errors="replace") as file:
                return [line.rstrip("\n") for line in file if request["event"] in line]
        except FileNotFoundError:
            return []

    def log(self, request: dict[str, Any]) -> list[str]:
        """Give the last ``lines`` lines of the handler's log, none from before byte ``begin``."""
        text = tail(self._settings["handler_log"], request.get("begin", 0))
        return text.splitlines()[-request["lines"] :]

    def log_size(self, _request: dict[str, Any]) -> int:
        """Tell how many bytes the handler's log has."""
        try:
            return Path(self._settings["handler_log"]).stat().st_size
        except FileNotFoundError:
            return 0


def tail(path: str, begin: int = 0) -> str:
    """Give the end of a file, none of it from before ``begin``; "" where there is none yet."""
    try:
        with Path(path).open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            # One that is shorter by now was begun anew.
            file.seek(max(0, size - TAIL, begin if begin <= size else 0))
            return file.read().decode(errors="replace")
    except FileNotFoundError:
        return ""


def command_line(process: Path) -> str:
    """Give a process's command line, "" when it has just ended."""
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        words = (process / "cmdline").read_bytes().split(b"\0")
        return b" ".join(words).decode(errors="replace").strip()
    return ""


# --- signals --------------------------------------------------------------------------------


def watch_or_die(descriptor: int) -> None:
    """Tell what changes, for ever; a watch that breaks ends the process, to be noticed."""
    try:
        while True:
            tell({"signal": sorted(set(changed_names(os.read(descriptor, 65536))))})
    except BaseException as error:  # noqa: BLE001 - told, then fatal
        sys.stderr.write(f"the watch broke: {error}\n")
        sys.stderr.flush()
        os._exit(1)


def open_watch(directory: str) -> int:
    """Open an inotify descriptor on ``directory``."""
    libc = ctypes.CDLL(None, use_errno=True)
    descriptor: int = libc.inotify_init1(0)
    if descriptor < 0 or libc.inotify_add_watch(descriptor, os.fsencode(directory), _CHANGES) < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code), directory)
    return descriptor


def changed_names(events: bytes) -> list[str]:
    """Read the file names out of a block of inotify events."""
    names = []
    offset = 0
    while offset < len(events):
        length = _EVENT.unpack_from(events, offset)[3]
        offset += _EVENT.size
        names.append(os.fsdecode(events[offset : offset + length].rstrip(b"\0")))
        offset += length
    return names


# --- the conversation -----------------------------------------------------------------------


def tell(message: dict[str, Any]) -> None:
    """Write one line; two threads do."""
    with _OUTPUT:
        sys.stdout.write(json.dumps(message) + "\n")
        sys.stdout.flush()


def answer(reader: Reader, request: dict[str, Any]) -> dict[str, Any]:
    """Answer one request; an error is an answer too."""
    try:
        values = {part: getattr(reader, part)(request) for part in request["read"]}
    except Exception as error:  # noqa: BLE001 - the harness decides what to make of it
        return {"id": request["id"], "error": f"{type(error).__name__}: {error}"}
    return {"id": request["id"], "values": values}


def main() -> None:
    """Take the settings from the first line; watch, and answer the other lines until EOF."""
    settings = json.loads(sys.stdin.readline())
    reader = Reader(settings)
    watched = open_watch(settings["deploy"])
    threading.Thread(target=watch_or_die, args=(watched,), daemon=True).start()
    tell({"ready": True})
    for line in sys.stdin:
        tell(answer(reader, json.loads(line)))


if __name__ == "__main__":
    main()
