#!/bin/sh
# Prepares this machine for the lab: what Python needs to start, and a Docker engine.
# Called by make before there is a virtual environment, so it is plain shell.
# Where an engine answers and the tools are there, it changes nothing and needs no root.
#
#   prepare.sh tools     git, ssh, sshd, packet filters, busybox, Python's venv: enough for `make test`
#   prepare.sh browser   Chromium and its driver, in which `make test` opens the report
#   prepare.sh engine    a Docker engine that answers, started if need be
#   prepare.sh stop      ends the engine that `prepare.sh engine` started by hand
set -eu

python=${PYTHON:-python3}
pid_file=/run/cluster-tests-dockerd.pid
log=/var/log/cluster-tests-dockerd.log

say() { printf 'prepare: %s\n' "$*" >&2; }

fail() { # message, remedy
    printf 'error: %s\n  to mend it: %s\n' "$1" "$2" >&2
    exit 2
}

install() { # what it is for, packages...
    why=$1
    shift
    [ "$(id -u)" = 0 ] || fail "$why is missing" "as root: apt-get install $*"
    command -v apt-get >/dev/null || fail "$why is missing, and this is no Debian" "install it yourself: $*"
    say "installing $why: $*"
    [ -n "${updated:-}" ] || apt-get update -qq
    updated=yes
    DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends "$@" >/dev/null
}

# Says "up", "refused" (not ours to use) or "down"; no client program needed.
engine_state() {
    "$python" - "${DOCKER_HOST:-unix:///var/run/docker.sock}" <<'PYTHON'
import http.client, socket, sys
from urllib.parse import urlsplit
url = urlsplit(sys.argv[1])
if url.scheme not in ("unix", "tcp"):
    print("up")  # ssh:// and the like: the docker library must try
    sys.exit()
try:
    if url.scheme == "unix":
        connection = http.client.HTTPConnection("docker", timeout=10)
        connection.sock = socket.socket(socket.AF_UNIX)
        connection.sock.settimeout(10)
        connection.sock.connect(url.path)
    else:
        connection = http.client.HTTPConnection(url.hostname, url.port or 2375, timeout=10)
    connection.request("GET", "/_ping")
    print("up" if connection.getresponse().status == 200 else "down")
except PermissionError:
    print("refused")
except OSError:
    print("down")
PYTHON
}

tools() {
    "$python" -c 'import ensurepip, venv' 2>/dev/null || install "Python's venv" python3-venv
    command -v git >/dev/null || install git git
    command -v ssh >/dev/null || install "an ssh client" openssh-client
    [ -x /usr/sbin/sshd ] || install "an sshd for the tests of the tunnels" openssh-server
    command -v busybox >/dev/null || install "busybox, the shell of many containers, for tests" busybox
    # They cut themselves off, in networks of their own.
    for tool in unshare:util-linux ip:iproute2 iptables:iptables; do
        PATH="$PATH:/usr/sbin:/sbin" command -v "${tool%%:*}" >/dev/null ||
            install "${tool%%:*}, for the tests of the tunnels" "${tool##*:}"
    done
}

browser() {
    command -v chromium >/dev/null && command -v chromedriver >/dev/null ||
        install "Chromium, in which the report is tested" chromium chromium-driver
}

engine() {
    case $(engine_state) in
    up) return ;;
    refused) fail "the Docker engine refuses this user" "sudo usermod -aG docker $(id -un), then log in again" ;;
    esac
    if [ -n "${DOCKER_HOST:-}" ]; then
        fail "no Docker engine answers at $DOCKER_HOST" "start it, or unset DOCKER_HOST to use one on this machine"
    fi
    [ "$(id -u)" = 0 ] || fail "no Docker engine answers here" "start it (systemctl start docker), or run make as root once"
    command -v dockerd >/dev/null && command -v iptables >/dev/null || install "a Docker engine" docker.io iptables
    command -v debootstrap >/dev/null || install "debootstrap, for where no image registry answers" debootstrap
    start_engine
}

start_engine() {
    if [ -d /run/systemd/system ]; then
        say "starting the engine (systemctl start docker)"
        systemctl start docker
    else
        start_by_hand
    fi
    [ "$(engine_state)" = up ] || fail "the engine was started but does not answer" "look into $log"
}

start_by_hand() {
    say "starting the engine (dockerd; its log: $log)"
    # A killed engine leaves its process ID behind, which may by now be anybody's.
    if [ -e /var/run/docker.pid ] && [ "$(cat "/proc/$(cat /var/run/docker.pid)/comm" 2>/dev/null)" != dockerd ]; then
        rm -f /var/run/docker.pid
    fi
    : >"$log"
    setsid dockerd >>"$log" 2>&1 </dev/null &
    engine=$!
    echo "$engine" >"$pid_file"
    # Follow the log until the engine says that it listens, or ends.
    timeout 60 tail --pid="$engine" -n +1 -F "$log" 2>/dev/null | grep -q -m1 'API listen on' ||
        fail "dockerd did not start: $(tail -n 3 "$log")" "look into $log"
}

stop() {
    [ -e "$pid_file" ] || return 0
    pid=$(cat "$pid_file")
    if [ "$(cat "/proc/$pid/comm" 2>/dev/null)" = dockerd ]; then
        say "stopping the engine (process $pid)"
        kill "$pid"
        timeout 60 tail --pid="$pid" -f /dev/null
    fi
    rm -f "$pid_file"
}

case ${1:-} in
tools | browser | engine | stop) "$1" ;;
*) fail "prepare.sh wants one word" "prepare.sh tools, prepare.sh browser, prepare.sh engine or prepare.sh stop" ;;
esac
