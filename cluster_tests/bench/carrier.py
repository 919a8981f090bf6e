"""A process that forwards as long as its stdin is open: with our tunnels, or with sshtunnel.

    python -m cluster_tests.bench.carrier ours|sshtunnel

says ``ready`` once everything is imported; reads a plan (one line of JSON); opens it; answers with
the local addresses by host and the seconds it took.
"""

from __future__ import annotations

import json
import logging
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    Plan = dict[str, Any]
    Addresses = list[list[str | tuple[str, int]]]


def main() -> None:
    """Open what the plan says and keep it open."""
    side = _SIDES[sys.argv[1]]()
    _say("ready")
    plan = json.loads(sys.stdin.readline())
    with ExitStack() as stack:
        started = time.perf_counter()
        addresses = side(plan, stack)
        _say(json.dumps({"addresses": addresses, "seconds": time.perf_counter() - started}))
        sys.stdin.read()


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def _ours() -> Callable[[Plan, ExitStack], Addresses]:
    from tunnels import (  # noqa: PLC0415 - each side carries its own library alone
        Forward,
        SocketForward,
        Target,
        TcpForward,
        TunnelGroup,
        http_answers,
    )

    def forwards(plan: Plan, host: int) -> list[Forward]:
        found: list[Forward] = []
        if plan["socket"]:
            local = Path(plan["directory"], f"{host}.sock")
            found.append(SocketForward(plan["socket"], local, answers=http_answers("/_ping")))
        return [*found, *(TcpForward("127.0.0.1", port) for port in plan["ports"])]

    def open_all(plan: Plan, stack: ExitStack) -> Addresses:
        target = Target(
            "127.0.0.1", plan["port"], plan["user"], Path(plan["key"]), Path(plan["known_hosts"]),
            connect_timeout=60,
        )  # fmt: skip
        specs = {str(host): (target, forwards(plan, host)) for host in range(plan["hosts"])}
        group = stack.enter_context(TunnelGroup(specs))
        return [
            [address if isinstance(address, tuple) else str(address) for address in
             (group[name].addresses[spec] for spec in of_host)]
            for name, (_, of_host) in specs.items()
        ]  # fmt: skip

    return open_all


def _sshtunnel() -> Callable[[Plan, ExitStack], Addresses]:
    import sshtunnel  # noqa: PLC0415 - as above

    log = logging.getLogger("sshtunnel")  # its own would print, and take over the warnings module
    log.addHandler(logging.NullHandler())
    log.propagate = False

    def open_one(plan: Plan) -> Any:  # noqa: ANN401 - the library has no types
        forwarder = sshtunnel.SSHTunnelForwarder(
            ("127.0.0.1", plan["port"]),
            ssh_config_file=None,
            ssh_username=plan["user"],
            ssh_pkey=plan["key"],
            host_pkey_directories=[],
            allow_agent=False,
            local_bind_addresses=[("127.0.0.1", 0) for _ in plan["ports"]],
            remote_bind_addresses=[("127.0.0.1", port) for port in plan["ports"]],
            logger=log,
        )
        forwarder.start()
        return forwarder

    def open_all(plan: Plan, stack: ExitStack) -> Addresses:
        with ThreadPoolExecutor(32) as pool:
            forwarders = list(pool.map(open_one, [plan] * plan["hosts"]))
        for forwarder in forwarders:
            stack.callback(forwarder.stop, force=True)
        return [forwarder.local_bind_addresses for forwarder in forwarders]

    return open_all


_SIDES = {"ours": _ours, "sshtunnel": _sshtunnel}

if __name__ == "__main__":
    main()
