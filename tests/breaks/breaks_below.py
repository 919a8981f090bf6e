"""Damages to what the cluster stands on: nodes that are not fit, cut off, or not like the others.

One damaged node proves many sentences in one run. That each of them is red for its own subject, and
for nothing else, is tested without a lab (``tests/cases/test_infrastructure_sentences.py``).
"""

from __future__ import annotations

from breaking import FOUNDATION, Damage

_CONSUL = "docker exec cluster_consul_1"
_HAPROXY = "/etc/haproxy/haproxy.cfg"
_CADDY = "/config/caddy/autosave.json"
_PYTHON = "/usr/local/lib/python3.13/dist-packages/cluster_tests_break.pth"
_NAMED = "nsenter --target $(docker inspect -f '{{.State.Pid}}' cluster_consul_1) --uts hostname"

# Consul's commands take a while by themselves: there is no need to wait in between.
_UNTIL = "timeout 90 sh -c 'until [ \"$({}; true)\" = {} ]; do :; done'"
_ALIVE = f'{_CONSUL} consul members | grep -c " alive "'
_ALL_ALIVE, _ALONE = _UNTIL.format(_ALIVE, 4), _UNTIL.format(_ALIVE, 1)

_CUT = "INPUT --protocol {} --match multiport --ports 8300:8302 --jump DROP"

# Earlier in the PATH of the Consul container than the programs themselves.
_EARLIER = "/usr/local/sbin"
_TELLS_ANOTHER = (
    'printf "#!/bin/sh\\n{path} \\"\\$@\\" | sed s/[0-9][0-9]*[.][0-9.]*[0-9]/9.9.9/g\\n"'
    f" > {_EARLIER}/{{name}}; chmod +x {_EARLIER}/{{name}};"
)
_PROGRAMS = {
    "docker": "/usr/bin/docker",
    "docker-compose": "/usr/bin/docker-compose",
    "btrfs": "/usr/bin/btrfs",
    "buttervolume": "/usr/local/bin/buttervolume",
}
_OTHER_PROGRAMS = "".join(
    _TELLS_ANOTHER.format(name=name, path=path) for name, path in _PROGRAMS.items()
)
_SAME_PROGRAMS = " ".join(f"{_EARLIER}/{name}" for name in _PROGRAMS)

# Stands before the engine's socket, and changes the last character of each text that it is given.
_GO_BETWEEN = """
import socket, sys, threading
changes = [(text.encode(), (text[:-1] + ("8" if text[-1] == "9" else "9")).encode())
           for text in sys.argv[1:]]
listener = socket.socket(socket.AF_UNIX)
listener.bind("/nodes-run/other.sock")
listener.listen(64)
def carry(source, target, changes):
    while data := source.recv(65536):
        for old, new in changes:
            data = data.replace(old, new)
        target.sendall(data)
    target.shutdown(socket.SHUT_WR)
while True:
    client = listener.accept()[0]
    engine = socket.socket(socket.AF_UNIX)
    engine.connect("/nodes-run/real.sock")
    for way in ((client, engine, ()), (engine, client, changes)):
        threading.Thread(target=carry, args=way, daemon=True).start()
"""

IN_FOUNDATION = (
    Damage(
        name="node-unfit",
        how=(
            "core3 has another name, its Caddy is in no network, its proxies' files are spoilt,"
            " and /deploy is a small and full file system"
        ),
        spec=f"{FOUNDATION}:WhenANodeIsAskedWhatItStandsOn",
        sentences=(
            "should_answer_under_its_own_name",
            "should_have_both_proxies_in_the_external_network",
            "should_have_a_configuration_that_haproxy_accepts",
            "should_have_a_configuration_that_caddy_accepts",
            "should_have_room_on_its_disks",
            "should_have_room_for_more_files",
        ),
        node="core3",
        script=(
            f"{_NAMED} elsewhere\n"
            f"docker exec cluster_haproxy_1 sh -c 'cp {_HAPROXY} /tmp/kept"
            f" && echo nonsense >>{_HAPROXY}'\n"
            f"docker exec cluster_caddy_1 sh -c 'cp {_CADDY} /tmp/kept"
            f" && echo nonsense >{_CADDY}'\n"
            "docker network disconnect cluster_default cluster_caddy_1\n"
            "mount -t tmpfs -o size=100m,nr_inodes=20 tmpfs /deploy\n"
            "touch $(seq -f /deploy/%g 19)\n"
        ),
        undo=(
            "umount /deploy\n"
            "docker network connect --alias caddy cluster_default cluster_caddy_1\n"
            f"docker exec cluster_caddy_1 sh -c 'cat /tmp/kept >{_CADDY}; rm /tmp/kept'\n"
            f"docker exec cluster_haproxy_1 sh -c 'cat /tmp/kept >{_HAPROXY}; rm /tmp/kept'\n"
            f"{_NAMED} $(hostname)\n"
        ),
    ),
    Damage(
        name="node-cut-off",
        how="core4's Consul hears and reaches nobody",
        spec=FOUNDATION,
        sentences=(
            "should_see_every_node_alive_in_consul",
            "should_know_a_leader",
            "should_follow_one_leader",
        ),
        node="core4",
        script=(
            f"iptables --insert {_CUT.format('tcp')}\n"
            f"iptables --insert {_CUT.format('udp')}\n{_ALONE}"
        ),
        undo=(
            f"iptables --delete {_CUT.format('tcp')}\n"
            f"iptables --delete {_CUT.format('udp')}\n"
            f"{_CONSUL} consul join 172.30.77.11\n{_ALL_ALIVE}"
        ),
    ),
    Damage(
        name="node-unlike-others",
        how=(
            "core2's docker, compose, plugin and btrfs clients and its Consul are of other"
            " versions, and its clock is five seconds fast"
        ),
        spec=f"{FOUNDATION}:WhenTheNodesAreCompared",
        sentences=(
            "should_have_the_same_client_and_compose",
            "should_have_the_same_volume_plugin",
            "should_have_the_same_btrfs",
            "should_run_the_same_consul",
            "should_agree_on_the_time_within_a_second",
        ),
        node="core2",
        script=(
            f"{_CONSUL} sh -euc '{_OTHER_PROGRAMS}"
            f' echo "import time; time.time = (lambda t: lambda: t() + 5)(time.time)" >{_PYTHON};'
            " cp /usr/bin/consul /usr/bin/consul.kept; cp /usr/bin/consul /usr/bin/consul.other;"
            " sed -i s/1[.]8[.]7/1.8.6/g /usr/bin/consul.other;"
            " mv /usr/bin/consul.other /usr/bin/consul'\n"
            f"docker restart --time 3 cluster_consul_1\n{_ALL_ALIVE}"
        ),
        undo=(
            f"{_CONSUL} sh -c 'rm -f {_SAME_PROGRAMS} {_PYTHON};"
            " mv /usr/bin/consul.kept /usr/bin/consul'\n"
            f"docker restart --time 3 cluster_consul_1\n{_ALL_ALIVE}"
        ),
    ),
    Damage(
        name="engine-unlike-others",
        how="core3's engine tells another version, and another kernel",
        spec=f"{FOUNDATION}:WhenTheNodesAreCompared",
        sentences=("should_run_the_same_engine", "should_run_the_same_kernel"),
        node="core3",
        script=(
            "cd /var/run\n"
            "docker run --detach --rm --name cluster-tests-go-between --volume /var/run:/nodes-run"
            " --entrypoint python3 $(docker inspect -f '{{.Image}}' cluster_consul_1)"
            f" -c '{_GO_BETWEEN}'"
            " $(docker version -f '{{.Server.Version}} {{.Server.KernelVersion}}')\n"
            "timeout 30 sh -c 'until [ -S other.sock ]; do :; done'\n"
            "chgrp docker other.sock\nchmod 660 other.sock\n"
            "mv docker.sock real.sock\nmv other.sock docker.sock\n"
        ),
        undo=(
            "cd /var/run\n[ ! -S real.sock ] || mv real.sock docker.sock\n"
            "docker rm --force cluster-tests-go-between\n"
        ),
    ),
    Damage(
        name="node-without-keys",
        how="core2 no longer knows the keys of the other nodes, so that no snapshot is let in",
        spec=f"{FOUNDATION}:WhenANodeSendsASnapshotToEachOther",
        sentences=("should_arrive_on_every_other_node",),
        node="core2",
        script="mv /root/.ssh/authorized_keys /root/.ssh/authorized_keys.away",
        undo="mv /root/.ssh/authorized_keys.away /root/.ssh/authorized_keys",
    ),
)
