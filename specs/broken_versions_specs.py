"""Deploys that begin, and cannot be carried out: whatever was stopped serves again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cluster_tests.behaviours import ServesThroughEveryNode, behaves_like
from cluster_tests.behaviours.refusing import ChangesNothing, IsRefused
from cluster_tests.givens.refusals import AnUndisturbedApplication

if TYPE_CHECKING:
    from collections.abc import Iterator


@behaves_like(ChangesNothing, IsRefused, ServesThroughEveryNode)
class WhenAVersionAsksForADomainOfAnotherApplication(AnUndisturbedApplication):
    """The neighbour goes on to be the only one with its URL."""

    def because_we_deploy_that_version(self) -> None:
        domain = self.neighbours_domain
        self.publish("foreign-domain", other_domain=domain)
        self.attempt_deploy(domain)
        self.deploy_again()


@behaves_like(ChangesNothing, IsRefused, ServesThroughEveryNode)
class WhenAVersionCannotBeStarted(AnUndisturbedApplication):
    """On the same master, which serves until the new version is ready, or stops for it."""

    @classmethod
    def examples_of_variants(cls) -> Iterator[tuple[str, str]]:
        yield "invalid-compose", "compose"
        yield "absent-image", "no-such-image"
        yield "unbuildable-image", "no-such-file"
        yield "exits-at-once", "the ledger gives up"

    def because_we_deploy_that_version(self, variant: str, about: str) -> None:
        self.publish(variant)
        self.attempt_deploy(about)
        self.deploy_again()


@behaves_like(ChangesNothing, IsRefused, ServesThroughEveryNode)
class WhenAVersionExitsAtOnceOnAnotherMaster(AnUndisturbedApplication):
    """The old master has stopped, sent everything and waits: it must serve again."""

    def because_we_deploy_there(self) -> None:
        self.publish("exits-at-once")
        self.attempt_deploy("the ledger gives up", master="core3")
        self.deploy_again()


@behaves_like(ChangesNothing, IsRefused, ServesThroughEveryNode)
class WhenATransferFailsHalfWay(AnUndisturbedApplication):
    """The new master takes the bulk, then nothing more: the old one has stopped by then."""

    def because_we_deploy_on_a_master_that_takes_no_more(self) -> None:
        self.attempt_transfer("core3", about="connection refused")
        self.deploy_again()

    def should_have_refused_snapshots_meanwhile(self) -> None:
        assert self.refused_connections > 0
