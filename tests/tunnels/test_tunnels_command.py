"""``cluster-tests tunnels`` as people run it: a process, signals, exit codes, nothing left."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from far_ends import STARTING, dial
from typer.testing import CliRunner

from cluster_tests.cli import app
from cluster_tests.errors import NodeError, UsageError
from cluster_tests.forwards.child import run_inside

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Iterator

    from cluster_tests.bench.sshd import Sshd

pytest_plugins = ["tunnel_fixtures"]

DRIVER = Path(__file__).with_name("run_command.py")
ROOT = Path(__file__).parents[2]


def serve_http(connection: socket.socket) -> None:
    """Answer every request with 200, until the client hangs up."""
    pending = b""
    while data := connection.recv(65536):
        pending += data
        while b"\r\n\r\n" in pending:
            _, _, pending = pending.partition(b"\r\n\r\n")
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK")


class Command:
    """Runs the command on an inventory of two nodes, both of which are the one sshd."""

    def __init__(self, directory: Path, sshd: Sshd, engine: str, consul: tuple[str, int]) -> None:
        self.directory = directory
        self.runtime = directory / "runtime"
        self.runtime.mkdir(mode=0o700)
        self._engine = engine
        ssh = {
            "host": "127.0.0.1",
            "port": sshd.port,
            "user": sshd.user,
            "identity_file": str(sshd.identity),
            "known_hosts": str(sshd.known_hosts),
        }
        self.values: dict[str, Any] = {
            "name": "two",
            "nodes": {
                "core1": {"address": consul[0], "ssh": dict(ssh)},
                "core-2": {"address": "127.0.0.2", "ssh": dict(ssh)},
            },
            "consul": {"port": consul[1]},
            "forge": {"fetch_url": "http://f/g", "push_url": "http://f/g", "registry": "f"},
            "deadlines": {"connect": 5},
        }
        self._started: list[subprocess.Popen[str]] = []

    def arguments(self, *more: str) -> list[str]:
        path = self.directory / "inventory.yaml"
        path.write_text(yaml.safe_dump(self.values, sort_keys=False))
        return ["--inventory", str(path), *more]

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, str(DRIVER), self._engine, "tunnels", *self.arguments(*arguments)],
            env={**os.environ, "XDG_RUNTIME_DIR": str(self.runtime), "PYTHONPATH": str(ROOT)}
            | {"DOCKER_TLS_VERIFY": "1", "KEPT": "kept"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,  # no terminal of whoever runs the tests
        )
        self._started.append(process)
        return process

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        process = self.start(*arguments)
        out, err = process.communicate(timeout=STARTING)
        return subprocess.CompletedProcess(process.args, process.returncode, out, err)

    def end(self) -> None:
        for process in self._started:
            process.kill()
            process.communicate(timeout=STARTING)


@pytest.fixture
def command(
    tmp_path: Path,
    sshd: Sshd,
    socket_far_end: Callable[..., str],
    tcp_far_end: Callable[..., tuple[str, int]],
) -> Iterator[Command]:
    command = Command(tmp_path, sshd, socket_far_end(serve_http), tcp_far_end(serve_http))
    yield command
    command.end()


def first_object(process: subprocess.Popen[str]) -> dict[str, Any]:
    """Read the addresses that ``--json`` prints before it stays."""
    assert process.stdout is not None
    text = ""
    for line in process.stdout:
        text += line
        if line == "}\n":
            told: dict[str, Any] = json.loads(text)
            return told
    pytest.fail(f"no object came: {text} {process.communicate()[1]}")


def left_behind(command: Command) -> list[Path]:
    return list(command.runtime.rglob("*"))


# --- staying


def test_everything_answers_at_the_addresses_that_are_told(command: Command) -> None:
    process = command.start("--json")
    told = first_object(process)
    assert told["cluster"] == "two"
    assert set(told["nodes"]["core1"]) == {"engine", "consul"}
    assert set(told["nodes"]["core-2"]) == {"engine"}
    for node in ("core1", "core-2"):
        path = Path(told["nodes"][node]["engine"])
        assert path.is_relative_to(command.runtime)
        assert answers(path)
    host, _, port = told["nodes"]["core1"]["consul"].partition(":")
    assert answers((host, int(port)))
    assert told["environment"]["CLUSTER_TESTS_SOCKET_CORE_2"] == told["nodes"]["core-2"]["engine"]
    assert left_behind(command)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=STARTING)
    assert (process.returncode, out, err) == (130, "", "")
    assert left_behind(command) == []


def answers(address: Path | tuple[str, int]) -> bool:
    with dial(address) as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        return client.recv(1000).startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_closes_all_and_leaves_nothing(command: Command, number: signal.Signals) -> None:
    process = command.start("--json")
    first_object(process)
    assert left_behind(command)
    process.send_signal(number)
    out, err = process.communicate(timeout=STARTING)
    assert (process.returncode, out, err) == (128 + number, "", "")
    assert left_behind(command) == []


def test_the_lines_can_be_pasted(command: Command) -> None:
    process = command.start()
    assert process.stdout is not None
    lines = [process.stdout.readline() for _ in range(3)]
    script = "".join(lines) + 'echo "$DOCKER_HOST" "$CONSUL_HTTP_ADDR"'
    done = subprocess.run(["sh", "-euc", script], capture_output=True, text=True, check=True)
    docker, consul = done.stdout.split()
    assert docker.startswith(f"unix://{command.runtime}")
    assert docker.endswith("/core-2.sock")
    assert consul.startswith("http://127.0.0.1:")
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=STARTING)


def test_what_breaks_and_comes_back_is_told_where_there_is_no_terminal(
    command: Command, make_sshd: Callable[..., Sshd]
) -> None:
    own = make_sshd()
    for node in command.values["nodes"].values():
        node["ssh"] |= {
            "port": own.port,
            "identity_file": str(own.identity),
            "known_hosts": str(own.known_hosts),
        }
    process = command.start()
    assert process.stdout is not None
    for _ in range(3):
        process.stdout.readline()
    own.signal_sessions(signal.SIGKILL)
    told = process.stdout.readline()
    while "open again (1 reconnections so far)" not in told:
        assert "s] core" in told, told
        told = process.stdout.readline()
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=STARTING)
    assert left_behind(command) == []


# --- a command inside


def test_a_command_runs_with_the_addresses_in_its_environment(command: Command) -> None:
    script = (
        "import json, os, http.client, socket; told = dict(os.environ);"
        "path = told['CLUSTER_TESTS_SOCKET_CORE_2']; c = http.client.HTTPConnection('x');"
        "c.sock = socket.socket(socket.AF_UNIX); c.sock.connect(path); c.request('GET', '/');"
        "told['status'] = c.getresponse().status; print(json.dumps(told))"
    )
    done = command.run("--node", "core-2", "--exec", f'{sys.executable} -c "{script}"')
    assert (done.returncode, done.stderr) == (0, "")
    told = json.loads(done.stdout)
    assert told["status"] == 200
    assert told["DOCKER_HOST"] == f"unix://{told['CLUSTER_TESTS_SOCKET_CORE_2']}"
    assert told["CLUSTER_TESTS_SOCKET_CORE1"].endswith("/core1.sock")
    assert told["CONSUL_HTTP_ADDR"].startswith("http://127.0.0.1:")
    assert told["KEPT"] == "kept"
    assert "DOCKER_TLS_VERIFY" not in told
    assert left_behind(command) == []


def test_ctrl_c_is_the_commands_to_answer(command: Command) -> None:
    script = "trap 'echo came; exit 5' INT; echo ready; while :; do sleep 0.1; done"
    process = command.start("--exec", script)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=STARTING)
    assert (process.returncode, out) == (5, "came\n")
    assert left_behind(command) == []


@pytest.mark.parametrize(("script", "code"), [("exit 7", 7), ("kill -9 $$", 137), ("nowhere", 127)])
def test_the_exit_code_is_the_commands(script: str, code: int) -> None:
    assert run_inside(script, os.environ) == code


def test_a_signal_that_ends_the_command_is_told_by_the_exit_code(command: Command) -> None:
    process = command.start("--exec", "echo ready; exec sleep 100")
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=STARTING)
    assert process.returncode == 128 + signal.SIGTERM
    assert left_behind(command) == []


def test_consul_comes_out_as_a_socket_when_asked(command: Command) -> None:
    done = command.run(
        "--consul-socket",
        "--exec",
        'echo "$CONSUL_HTTP_ADDR"; test -S "${CONSUL_HTTP_ADDR#unix://}"',
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"unix://{command.runtime}/")


def test_fronts_are_opened_when_asked(
    command: Command, tcp_far_end: Callable[..., tuple[str, int]]
) -> None:
    command.values["fronts"] = {
        name: {"name": f"{name}-in", "port": tcp_far_end(serve_http)[1]}
        for name in ("http", "https")
    }
    command.values["nodes"]["core-2"]["front"] = "direct"
    process = command.start("--fronts", "--json")
    told = first_object(process)["nodes"]
    for name in ("http front", "https front"):
        host, _, port = told["core1"][name].partition(":")
        assert answers((host, int(port)))
    port = command.values["fronts"]["http"]["port"]
    assert told["core-2"]["http front"] == f"127.0.0.2:{port}"
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=STARTING)


# --- what cannot be


def test_a_node_that_cannot_be_reached_is_named_and_nothing_is_left(command: Command) -> None:
    command.values["nodes"]["core-2"]["ssh"]["port"] = 1
    done = command.run("--exec", "echo never")
    assert (done.returncode, done.stdout) == (2, "")
    assert "core-2: 127.0.0.1:1 refuses connections" in done.stderr
    assert left_behind(command) == []
    assert command.run("--only", "core1", "--exec", "echo reached").stdout == "reached\n"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--only", "core9"], "the inventory has no node 'core9'"),
        (["--node", "core9"], "one of: core1, core-2"),
        (["--only", "core1", "--node", "core-2"], "--node core-2 is not among those of --only"),
        (["--json", "--exec", "true"], "both want the standard output"),
    ],
)
def test_what_cannot_be_meant_is_refused(command: Command, arguments: list[str], told: str) -> None:
    done = CliRunner().invoke(app, ["tunnels", *command.arguments(*arguments)])
    assert isinstance(done.exception, UsageError), done.output
    assert told in str(done.exception)


def test_sockets_that_would_have_too_long_a_path_are_told(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    deep = command.runtime / ("d" * 100)
    deep.mkdir(mode=0o700)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(deep))
    done = CliRunner().invoke(app, ["tunnels", *command.arguments("--exec", "echo never")])
    assert isinstance(done.exception, NodeError), done.output
    assert "a UNIX socket's path has at most 107" in done.exception.message
    assert list(deep.iterdir()) == []
