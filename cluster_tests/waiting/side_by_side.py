"""Runs calls side by side, and loses none of their errors."""

from __future__ import annotations

from concurrent.futures import Future, wait
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

from cluster_tests.errors import ClusterTestsError, SeveralErrors

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
    from concurrent.futures import Executor

K = TypeVar("K", bound="Hashable")
T = TypeVar("T")


def side_by_side(executor: Executor, calls: Mapping[K, Callable[[], T]]) -> dict[K, T]:
    """Run all ``calls`` and wait for every one; give their values by key.

    One error is raised as it is, several as ``SeveralErrors``. A foreign exception is a defect of
    ours: it is raised as an ``ExceptionGroup`` with all the others.
    """
    futures = {key: executor.submit(call) for key, call in calls.items()}
    wait(futures.values())
    errors = [error for future in futures.values() if (error := future.exception()) is not None]
    if errors:
        _raise_all(errors)
    return {key: future.result() for key, future in futures.items()}


@contextmanager
def meanwhile(executor: Executor, call: Callable[[], T]) -> Iterator[Future[T]]:
    """Run ``call`` while the block runs, and wait for its end; the future holds what came of it.

    Where the block raises, an error of ``call`` is added to it as a note.
    """
    future = executor.submit(call)
    try:
        yield future
    except BaseException as error:
        other = future.exception()
        if other is not None:
            error.add_note(f"and meanwhile: {other}")
        raise
    finally:
        wait([future])


def _raise_all(errors: Sequence[BaseException]) -> None:
    known = [error for error in errors if isinstance(error, ClusterTestsError)]
    if len(known) < len(errors):
        raise BaseExceptionGroup("calls made side by side failed", errors)
    # One node that is down fails each of its calls, often in the same words.
    distinct = list({error.message: error for error in known}.values())
    raise distinct[0] if len(distinct) == 1 else SeveralErrors(distinct)
