"""Events that no node may act on: what they ask for does not exist, or cannot be read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cluster_tests.behaviours import ServesThroughEveryNode, behaves_like
from cluster_tests.behaviours.refusing import ChangesNothing, IsRefused
from cluster_tests.givens.refusals import AnUndisturbedApplication, Asked, Sent

if TYPE_CHECKING:
    from collections.abc import Iterator


@behaves_like(ChangesNothing, IsRefused, ServesThroughEveryNode)
class WhenADeployAsksForWhatCannotBe(AnUndisturbedApplication):
    """A deploy that every node can read, and none may begin."""

    @classmethod
    def examples_of_requests(cls) -> Iterator[Asked]:
        yield Asked("master equal to slave", "core1", {"slave": "core1"})
        yield Asked("unknown master", "core9", {"master": "core9"})
        yield Asked("unknown slave", "core9", {"slave": "core9"})
        yield Asked("no branch", "branch", {"branch": None})

    def because_we_ask(self, asked: Asked) -> None:
        self.attempt_deploy(asked.about, **asked.changes)
        self.deploy_again()


@behaves_like(ChangesNothing, IsRefused, ServesThroughEveryNode)
class WhenAFieldHasTheWrongType(AnUndisturbedApplication):
    """A deploy with a field that is none of what the contract says it may be."""

    @classmethod
    def examples_of_requests(cls) -> Iterator[Asked]:
        yield Asked("branch is a number", "branch", {"branch": 5})
        yield Asked("update is a text", "update", {"update": "yes"})

    def because_we_ask(self, asked: Asked) -> None:
        self.attempt_deploy(asked.about, **asked.changes)
        self.deploy_again()


@behaves_like(ChangesNothing, IsRefused, ServesThroughEveryNode)
class WhenAnEventCannotBeRead(AnUndisturbedApplication):
    """A payload that is no JSON object, or an event that nobody knows."""

    @classmethod
    def examples_of_events(cls) -> Iterator[Sent]:
        yield Sent("not JSON", "JSON", "deploy it, please")
        yield Sent("no object", "object", '["repo", "branch"]')
        yield Sent("empty", "JSON", "")
        yield Sent("unknown event", "redeploy", '{"repo": "r", "branch": "b"}', "redeploy")

    def because_we_send_one(self, sent: Sent) -> None:
        self.attempt(sent.name, sent.payload, sent.about)
        self.deploy_again()


@behaves_like(ChangesNothing, IsRefused, ServesThroughEveryNode)
class WhenTheRepositoryOrTheBranchDoesNotExist(AnUndisturbedApplication):
    """The nodes begin to fetch, and find nothing: there is no trace of it afterwards."""

    @classmethod
    def examples_of_names(cls) -> Iterator[tuple[str, str]]:
        yield "repo", "no-such-repository"
        yield "branch", "no-such-branch"

    def because_we_ask_for_what_is_not_there(self, key: str, name: str) -> None:
        self.attempt_unknown(key, name)
        self.deploy_again()

    def should_leave_no_trace_of_what_was_asked_for(self) -> None:
        assert self.traces == []


@behaves_like(ChangesNothing, ServesThroughEveryNode)
class WhenAnEventIsTooLargeForConsul(AnUndisturbedApplication):
    """Our own client refuses it: Consul would drop it, and nobody could tell."""

    def because_we_ask_for_a_branch_with_a_very_long_name(self) -> None:
        self.attempt_too_large("b" * 500)
        self.deploy_again_and_recall()

    def should_be_refused_with_the_size_that_consul_carries(self) -> None:
        assert self.refusal is not None
        assert "Consul carries 512" in self.refusal

    def should_not_be_sent(self) -> None:
        assert self.remembered
        assert self.remembered_after
        # An agent keeps the last 256: the oldest one may have gone meanwhile.
        assert self.remembered_after <= self.remembered
