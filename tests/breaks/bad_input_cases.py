"""What can be wrong around a run of specs, and how the run must then refuse."""

from __future__ import annotations

import shutil
import socket
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import yaml
from lab_nodes import do, in_node

from cluster_tests.inventory.file import load_inventory
from cluster_tests.lab.plan import ROOT
from cluster_tests.services.publisher import Publisher
from cluster_tests.services.source import load_source

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    from cluster_tests.model import Application

# Seconds: the inventory's deadlines for connecting and answering are 10 each.
_AT_ONCE, _PATIENTLY = 5.0, 30.0
_USAGE, _UNKNOWN = 3, 2
_CONSUL = "cluster_consul_1"
_PLUGIN = "anybox/buttervolume:latest"
_ASK_LEADER = (
    "import urllib.request as r;"
    'print(r.urlopen("http://127.0.0.1:8500/v1/status/leader", timeout=5).read().decode())'
)
_SECOND_SSHD, _SECOND_PID = 10022, "/run/second-sshd.pid"
_TOOLS = "/run/few-tools"

_TAKEN = "taken-by-hand"
_TAKING = f"""
from cluster_tests.session import current
from cluster_tests.tenancy.tenant import Tenant


class WhenItsNameIsInUse:
    def because_we_move_in(self):
        session = current.session()
        Tenant(session, session.plan("ledger", "{_TAKEN}")).move_in()

    def should_never_be_asked(self):
        assert self is None, "it moved in"
"""


@dataclass
class Bench:
    """A directory for one case, the lab's inventory with absolute paths, and the spec to run."""

    directory: Path
    values: dict[str, Any]
    spec: Path | None = None

    @classmethod
    def of(cls, inventory: Path, directory: Path) -> Self:
        """Start from the lab's inventory."""
        values = yaml.safe_load(inventory.read_text())
        for ssh in [node["ssh"] for node in values["nodes"].values()] + [values["forge"]["ssh"]]:
            for key in ("identity_file", "known_hosts"):
                ssh[key] = str(inventory.parent / ssh[key])
        return cls(directory, values)

    def ssh(self, node: str) -> dict[str, Any]:
        """Give a node's way in, to be changed."""
        ssh: dict[str, Any] = self.values["nodes"][node]["ssh"]
        return ssh

    def written(self) -> Path:
        """Write the inventory as it is now."""
        path = self.directory / "inventory.yaml"
        path.write_text(yaml.safe_dump(self.values, sort_keys=False))
        return path


@dataclass(frozen=True)
class Case:
    """Something wrong: ``arranged`` makes it so and gives the inventory; it is undone at the end.

    ``says`` are texts that must be in the output, ``seconds`` the longest the run may take.
    """

    name: str
    what: str
    arranged: Callable[[Bench], AbstractContextManager[Path]]
    exit_code: int
    says: tuple[str, ...]
    seconds: float = _PATIENTLY


# --- the inventory


@contextmanager
def _missing(bench: Bench) -> Iterator[Path]:
    yield bench.directory / "nowhere.yaml"


@contextmanager
def _malformed(bench: Bench) -> Iterator[Path]:
    path = bench.written()
    path.write_text(path.read_text() + "names: {consul: [\n")
    yield path


@contextmanager
def _several_mistakes(bench: Bench) -> Iterator[Path]:
    bench.ssh("core1")["port"] = "ssh"
    bench.values["nodes"]["core2"]["address"] = bench.values["nodes"]["core3"]["address"]
    bench.values["deadline"] = {"settle": 60}
    bench.values["may_change"] = "perhaps"
    yield bench.written()


@contextmanager
def _not_allowed(bench: Bench) -> Iterator[Path]:
    bench.values["may_change"] = False
    yield bench.written()


# --- the way to a node


@contextmanager
def _key_refused(bench: Bench) -> Iterator[Path]:
    key = bench.directory / "stranger"
    do("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key))
    bench.ssh("core2")["identity_file"] = str(key)
    yield bench.written()


@contextmanager
def _key_exposed(bench: Bench) -> Iterator[Path]:
    key = bench.directory / "core"
    shutil.copyfile(bench.ssh("core2")["identity_file"], key)
    key.chmod(0o644)
    bench.ssh("core2")["identity_file"] = str(key)
    yield bench.written()


@contextmanager
def _host_key_changed(bench: Bench) -> Iterator[Path]:
    key = bench.directory / "another"
    do("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key))
    known = bench.directory / "known_hosts"
    public = " ".join(key.with_suffix(".pub").read_text().split()[:2])
    known.write_text(f"[127.0.0.1]:{bench.ssh('core3')['port']} {public}\n")
    bench.ssh("core3")["known_hosts"] = str(known)
    yield bench.written()


@contextmanager
def _unreachable(bench: Bench) -> Iterator[Path]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        bench.ssh("core4")["port"] = free.getsockname()[1]
        known = bench.directory / "known_hosts"
        shutil.copyfile(bench.ssh("core4")["known_hosts"], known)
    yield bench.written()


@contextmanager
def _no_socket_forwarding(bench: Bench) -> Iterator[Path]:
    with _second_sshd(bench, "AllowStreamLocalForwarding=no") as inventory:
        yield inventory


@contextmanager
def _nor_docker(bench: Bench) -> Iterator[Path]:
    """Forbid it, and let the login find the tools with which we look, but no Docker client."""
    tools = "sh stat readlink grep"
    in_node("core2", "sh", "-c", f"mkdir -p {_TOOLS}; cd {_TOOLS}; ln -sf $(which {tools}) .")
    try:
        options = ("AllowStreamLocalForwarding=no", f"SetEnv=PATH={_TOOLS}")
        with _second_sshd(bench, *options) as inventory:
            yield inventory
    finally:
        in_node("core2", "rm", "-r", _TOOLS)


@contextmanager
def _second_sshd(bench: Bench, *settings: str) -> Iterator[Path]:
    """Start another sshd on core2, with the same host key and these settings."""
    address = bench.values["nodes"]["core2"]["address"]
    known = bench.directory / "known_hosts"
    public = in_node("core2", "ssh-keygen", "-y", "-f", "/etc/ssh/host_ed25519").strip()
    known.write_text(f"[{address}]:{_SECOND_SSHD} {public}\n")
    bench.ssh("core2").update(host=address, port=_SECOND_SSHD, known_hosts=str(known))
    told = " ".join(f"-o {setting}" for setting in (*settings, f"PidFile={_SECOND_PID}"))
    options = f"-p {_SECOND_SSHD} {told}"
    # It writes its process ID once it listens.
    listening = f"timeout 10 sh -c 'until [ -s {_SECOND_PID} ]; do :; done'"
    in_node("core2", "sh", "-c", f"/usr/sbin/sshd {options} && {listening}")
    try:
        yield bench.written()
    finally:
        in_node("core2", "sh", "-c", f"kill $(cat {_SECOND_PID})")


# --- what is on a node


@contextmanager
def _no_leader(bench: Bench) -> Iterator[Path]:
    """Freeze three of four Consul servers: their containers run, and nobody is elected."""
    frozen = ("core2", "core3", "core4")
    for node in frozen:
        in_node(node, "docker", "pause", _CONSUL)
    try:
        _await_consul("core1", leader=False)
        yield bench.written()
    finally:
        for node in frozen:
            in_node(node, "docker", "unpause", _CONSUL)
        _await_consul("core1", leader=True)


@contextmanager
def _consul_stopped(bench: Bench) -> Iterator[Path]:
    stopped = ("core2", "core3", "core4")
    for node in stopped:
        in_node(node, "docker", "stop", _CONSUL)
    try:
        yield bench.written()
    finally:
        for node in stopped:
            in_node(node, "docker", "start", _CONSUL)
        _await_consul("core1", leader=True)


@contextmanager
def _engine_stopped(bench: Bench) -> Iterator[Path]:
    """Let core3's engine accept connections, and answer none."""
    in_node("core3", "sh", "-c", "kill -STOP $(cat /var/run/docker.pid)")
    try:
        yield bench.written()
    finally:
        in_node("core3", "sh", "-c", "kill -CONT $(cat /var/run/docker.pid)")


@contextmanager
def _plugin_disabled(bench: Bench) -> Iterator[Path]:
    in_node("core3", "docker", "plugin", "disable", "--force", _PLUGIN)
    try:
        yield bench.written()
    finally:
        in_node("core3", "docker", "plugin", "enable", _PLUGIN)


@contextmanager
def _name_in_use(bench: Bench) -> Iterator[Path]:
    """Create by hand what the spec's application would create, and see that it stays."""
    inventory = bench.written()
    volume = f"{_application(inventory).volume_prefix}db"
    bench.spec = bench.directory / "taken_spec.py"
    bench.spec.write_text(_TAKING)
    in_node("core1", "docker", "volume", "create", "--label", "kept=by-hand", volume)
    try:
        yield inventory
        label = in_node("core1", "docker", "volume", "inspect", "-f", "{{.Labels.kept}}", volume)
        assert label.strip() == "by-hand"
    finally:
        in_node("core1", "docker", "volume", "rm", volume)


def _application(inventory: Path) -> Application:
    source = load_source(ROOT / "fixtures" / "services" / "ledger")
    return Publisher(load_inventory(inventory)).plan(source, _TAKEN).application


def _await_consul(node: str, *, leader: bool) -> None:
    """Ask until there is a leader, or none; Consul itself takes its time to answer."""
    script = (
        "for i in $(seq 300); do "
        f"a=$(docker exec {_CONSUL} python3 -c '{_ASK_LEADER}'); "
        f'case "$a" in {"*:*) exit 0" if leader else "*:*) ;; *) exit 0"};; esac; done; exit 1'
    )
    in_node(node, "sh", "-c", script)


CASES = (
    Case("inventory-missing", "there is no such inventory", _missing, _USAGE,
         ("there is no inventory", "cluster-tests lab up"), _AT_ONCE),
    Case("inventory-malformed", "the inventory is not YAML", _malformed, _USAGE,
         ("not YAML", "line ", "to mend it"), _AT_ONCE),
    Case("inventory-mistakes", "the inventory has four mistakes", _several_mistakes, _USAGE,
         ("nodes.core1.ssh.port", "is the address of", "deadline", "may_change"), _AT_ONCE),
    Case("change-forbidden", "the inventory does not allow changes", _not_allowed, _USAGE,
         ("may_change",), _AT_ONCE),
    Case("key-refused", "core2 does not know our key", _key_refused, _UNKNOWN,
         ("core2: ", "ssh-copy-id", "to mend it")),
    Case("key-exposed", "the key file for core2 can be read by others", _key_exposed, _USAGE,
         ("nodes.core2.ssh.identity_file", "chmod 600"), _AT_ONCE),
    Case("host-key-changed", "core3 shows another host key", _host_key_changed, _UNKNOWN,
         ("core3: ", "ssh-keygen -f", "to mend it")),
    Case("node-unreachable", "nobody listens at core4's port", _unreachable, _UNKNOWN,
         ("core4: ", "to mend it")),
    Case("no-socket-forwarding", "core2's sshd forbids the forwarding of sockets: it is no mistake",
         _no_socket_forwarding, 0,
         ("forbids the forwarding of sockets on core2", "by running 'docker system dial-stdio'"),
         120.0),
    Case("nor-docker", "core2's sshd forbids it, and has no Docker client", _nor_docker, _UNKNOWN,
         ("core2: ", "AllowStreamLocalForwarding", "'docker system dial-stdio' ended with 127",
          "to mend it")),
    Case("no-leader", "three of four Consul servers are frozen", _no_leader, _UNKNOWN,
         ("leader", "to mend it")),
    Case("consul-stopped", "cluster_consul_1 is stopped on three nodes", _consul_stopped, _UNKNOWN,
         ("core2: ", "core3: ", "core4: ", f"docker start {_CONSUL}", "leader")),
    Case("engine-stopped", "core3's Docker engine hangs", _engine_stopped, _UNKNOWN,
         ("core3: ", "to mend it: on core3: systemctl restart docker")),
    Case("plugin-disabled", "core3's volume plugin is disabled", _plugin_disabled, _UNKNOWN,
         ("core3: ", f"to mend it: on core3: docker plugin enable {_PLUGIN}")),
    Case("name-in-use", "the application's name is in use by somebody else", _name_in_use, _USAGE,
         ("in use already", "volumes on core1", "to mend it")),
)  # fmt: skip
