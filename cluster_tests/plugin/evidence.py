"""Sees to it that every context that fails keeps its evidence, once.

Who has applications asks for it (``keep_once``) before the first of them is removed. Where nobody
did, it is collected when the context has ended: what the nodes tell of themselves is still there.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from cluster_tests.plugin.interrupts import Interrupted
from cluster_tests.plugin.xml_errors import XmlErrorsPlugin
from cluster_tests.report import say
from cluster_tests.session import current

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterable, Mapping

    from cluster_tests.tenancy.tenant import Tenant


def keep_once(tenants: Iterable[Tenant] = (), failure: BaseException | None = None) -> None:
    """Collect the evidence of the context that runs, about ``tenants``, if something went wrong.

    That is: an exception is under way, there is a ``failure``, or a sentence did not hold. Nothing
    is collected twice, nor for somebody who wants the run to end. Raises nothing, so that the first
    error stays the first: what goes wrong here is told, and noted at that error.
    """
    session, scenario = current.opened(), current.scenario()
    cause = sys.exc_info()[1] or failure
    if session is None or session.has_evidence or isinstance(cause, Interrupted):
        return
    if cause is None and not scenario.troubled:
        return
    # Only here: what reads nodes takes a while to load, and most runs keep no evidence.
    from cluster_tests.evidence.keeping import keep_evidence  # noqa: PLC0415

    directory = session.evidence_directory(scenario.name)
    try:
        keep_evidence(session, [each.subject for each in tenants], directory, scenario.began)
    except Exception as error:  # noqa: BLE001 - it must neither mask the first one, nor be lost
        trouble = f"the evidence could not be collected: {type(error).__name__}: {error}"
        say(trouble)
        if cause is not None:
            cause.add_note(trouble)


class EvidencePlugin:
    """Knows how the context that runs is doing, and collects what nobody else has."""

    @classmethod
    def locate(cls) -> tuple[None, type]:
        """Come before those that write down what was kept."""
        return None, XmlErrorsPlugin

    def initialise(self, _args: argparse.Namespace, _environ: Mapping[str, str]) -> bool:
        """Take part in every run."""
        return True

    def context_started(self, cls: type, _example: object) -> None:
        """Begin with a context in which nothing has failed, and of which nothing is kept."""
        current.begin(cls.__name__)
        session = current.opened()
        if session is not None:
            session.take_evidence()  # left where no notes of the last one could be made

    def assertion_failed(self, _sentence: Callable[..., object], _error: Exception) -> None:
        """Let the cleanup know that evidence is wanted."""
        current.scenario().troubled = True

    def assertion_errored(self, _sentence: Callable[..., object], _error: Exception) -> None:
        """Let the cleanup know that evidence is wanted."""
        current.scenario().troubled = True

    def context_ended(self, _cls: type, _example: object) -> None:
        """Collect what no cleanup has."""
        keep_once()

    def context_errored(self, _cls: type, _example: object, error: Exception) -> None:
        """Collect what no cleanup has."""
        keep_once(failure=error)
