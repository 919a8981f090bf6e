"""What must be in order below the cluster before anything can be said about applications.

These specs run first, whatever the seed. Where one fails, the others are not judged: the run says
"infrastructure" and ends with exit code 2, unless it was started with ``--go-on``.
"""

from __future__ import annotations

from cluster_tests.givens.infrastructure import (
    LEAST_FREE_BYTES,
    LEAST_FREE_INODES,
    AllNodes,
    ANode,
    ASender,
    node_names,
)

FOUNDATION = True  # all other specs stand on these


class WhenANodeIsAskedWhatItStandsOn(ANode):
    """Each node for itself: containers, network, proxies, plugin, Consul, room."""

    @classmethod
    def examples_of_nodes(cls) -> tuple[str, ...]:
        return node_names()

    def because_we_ask(self, node: str) -> None:
        self._read(node)

    def should_answer_under_its_own_name(self) -> None:
        assert self.facts.hostname == self.node

    def should_run_the_containers_of_the_infrastructure(self) -> None:
        missing = self.infrastructure - self.facts.running
        assert not missing, f"{self.node}: do not run: {missing}"

    def should_have_the_volume_plugin_enabled(self) -> None:
        assert self.facts.plugin_enabled, f"{self.node}: the volume plugin is disabled"

    def should_have_both_proxies_in_the_external_network(self) -> None:
        assert self.facts.attached is not None, f"{self.node}: there is no such network"
        missing = self.proxies - self.facts.attached
        assert not missing, f"{self.node}: not in the external network: {missing}"

    def should_have_a_configuration_that_haproxy_accepts(self) -> None:
        assert self.facts.haproxy_complaint == "", f"{self.node}: {self.facts.haproxy_complaint}"

    def should_have_a_configuration_that_caddy_accepts(self) -> None:
        assert self.facts.caddy_complaint == "", f"{self.node}: {self.facts.caddy_complaint}"

    def should_see_every_node_alive_in_consul(self) -> None:
        missing = self.nodes - self.facts.alive
        assert not missing, f"{self.node}: its Consul agent does not see alive: {missing}"

    def should_know_a_leader(self) -> None:
        assert self.facts.leader, f"{self.node}: its Consul agent knows no leader"

    def should_have_room_on_its_disks(self) -> None:
        assert self.facts.rooms, f"{self.node}: no file system was looked at"
        full = {n: r for n, r in self.facts.rooms.items() if r.free_bytes < LEAST_FREE_BYTES}
        assert not full, f"{self.node}: less than {LEAST_FREE_BYTES} bytes are free: {full}"

    def should_have_room_for_more_files(self) -> None:
        assert self.facts.rooms, f"{self.node}: no file system was looked at"
        full = {n: r for n, r in self.facts.rooms.items() if r.inodes < LEAST_FREE_INODES}
        assert not full, f"{self.node}: less than {LEAST_FREE_INODES:.0%} of inodes: {full}"


class WhenTheNodesAreCompared(AllNodes):
    """All nodes with each other: the same of everything, one leader, one time."""

    def because_we_ask_all_of_them(self) -> None:
        self._read()

    def should_run_the_same_engine(self) -> None:
        assert len(self._of("engine", "engine_api")) == 1, self.versions

    def should_have_the_same_client_and_compose(self) -> None:
        assert len(self._of("client", "client_api", "compose")) == 1, self.versions

    def should_have_the_same_volume_plugin(self) -> None:
        assert len(self._of("plugin")) == 1, self.versions

    def should_run_the_same_kernel(self) -> None:
        assert len(self._of("kernel")) == 1, self.versions

    def should_have_the_same_btrfs(self) -> None:
        assert len(self._of("btrfs")) == 1, self.versions

    def should_run_the_same_consul(self) -> None:
        assert len(self._of("consul")) == 1, self.versions

    def should_follow_one_leader(self) -> None:
        assert len(set(self.leaders.values())) == 1, self.leaders

    def should_agree_on_the_time_within_a_second(self) -> None:
        assert self.clocks_apart < 1.0, f"the clocks may be {self.clocks_apart:.3f} s apart"


class WhenANodeSendsASnapshotToEachOther(ASender):
    """Node to node: through the plugin, which uses SSH, from each to each."""

    @classmethod
    def examples_of_senders(cls) -> tuple[str, ...]:
        return node_names()

    def because_a_snapshot_is_sent(self, sender: str) -> None:
        self._send(sender)

    def should_arrive_on_every_other_node(self) -> None:
        assert self.expected_arrivals
        assert self.arrivals == self.expected_arrivals
