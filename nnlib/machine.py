"""How this machine computes: matrix products on one thread, work in several, a warm heap."""

from _thread import start_new_thread
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import copy_context
from functools import lru_cache, wraps
from itertools import repeat
from threading import Lock
from typing import Any, TypeVar

import numpy as np

Function = TypeVar("Function", bound=Callable)
USERS: set[object] = set()  # who in this process wants one thread now
BEFORE: list[tuple[Any, int]] = []  # each library with its threads before the first of them came
CHANGING = Lock()


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Matrix products on one thread: a second gains little, and loses much on a busy machine.

    The setting is the process's: the first user makes it and the last one takes it back, however
    many overlap, in this thread or others, and however they end.

    >>> with one_blas_thread(), one_blas_thread():
    ...     {library.num_threads for library in blas_libraries()} <= {1}
    True
    """
    user = object()
    try:
        USERS.add(user)
        settle()
        yield
    finally:
        try:
            leave(user)
        except BaseException:  # an interrupt falls into leaving
            leave(user)
            raise


def leave(user: object) -> None:
    """One user less; a second call does what an interrupted first one has not."""
    USERS.discard(user)
    settle()


def settle() -> None:
    """Make the number of threads what the users want: one, or the number before the first came."""
    with CHANGING:
        if USERS:
            if not BEFORE:
                BEFORE[:] = [(library, library.num_threads) for library in blas_libraries()]
            for library, _ in BEFORE:
                library.set_num_threads(1)
        else:
            for library, threads in BEFORE:
                library.set_num_threads(threads)
            BEFORE.clear()


@lru_cache(maxsize=1)
def blas_libraries() -> list[Any]:
    """The libraries that multiply matrices for NumPy."""
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController().select(user_api="blas").lib_controllers


def side_by_side(work: Callable[[int], Any], count: int) -> list[Any]:
    """What work(0), work(1), ... give, done at once: the first here, each other in its own thread.

    All have ended when this does, by an error or an interrupt too. One call in C starts them, so
    that an interrupt falls before it or behind; a pool of threads may then wait for ever.

    >>> side_by_side(lambda k: 10 * k, 3)
    [0, 10, 20]
    """
    results: list[Any] = [None] * count
    errors: list[BaseException] = []
    started: list[int] = []
    running = [Lock() for _ in range(1, count)]
    for lock in running:
        lock.acquire()

    def run(k: int, lock: Any) -> None:
        try:
            results[k] = work(k)
        except BaseException as error:
            errors.append(error)
        finally:
            lock.release()

    try:
        started.extend(map(start_new_thread, repeat(run), zip(range(1, count), running)))
        results[0] = work(0)
    finally:
        try:
            wait_for(running[: len(started)])
        except BaseException:  # an interrupt falls into waiting
            wait_for(running[: len(started)])
            raise
    if errors:
        raise errors[0]
    return results


def wait_for(locks: Iterable[Any]) -> None:
    """Return when each of these has been released; a second call finds them so."""
    for lock in locks:
        with lock:
            pass


def apart(function: Function) -> Function:
    """A function that runs in a context of its own, which ends with it.

    NumPy's error handling belongs to the context. Ctrl-C as np.errstate begins or ends, which it
    does in Python, would leave the caller's changed.

    >>> careless = apart(lambda: np.seterr(all="raise"))
    >>> before, _ = np.geterr(), careless()
    >>> np.geterr() == before
    True
    """

    @wraps(function)
    def run(*arguments: Any, **named: Any) -> Any:
        return copy_context().run(function, *arguments, **named)

    return run  # type: ignore[return-value]


def keep_heap_warm() -> None:
    """Let the process keep freed temporaries: dropping a large block raises glibc's thresholds."""
    np.empty((32 << 20) - 65536, np.uint8)
