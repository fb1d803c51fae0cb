"""What makes this machine compute fast: matrix products on one thread, and a warm heap."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

import numpy as np


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Matrix products on one thread: a second gains little, and loses much on a busy machine."""
    with threadpools().limit(limits=1, user_api="blas"):
        yield


@lru_cache(maxsize=1)
def threadpools() -> Any:
    """The thread pools of the libraries that NumPy has loaded."""
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()


def keep_heap_warm() -> None:
    """Let the process keep freed temporaries: dropping a large block raises glibc's thresholds."""
    np.empty((32 << 20) - 65536, np.uint8)
