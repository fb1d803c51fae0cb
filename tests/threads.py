"""Threads, before and after."""

import threading
import time
from contextlib import contextmanager


@contextmanager
def no_thread_left(patience=0):
    """Fail when a thread that was started within is still there, after so many seconds' patience.

    Others may come from anywhere. Patience is for threads that end by themselves: a server's, and
    one that Ctrl-C kept the main thread from waiting for.
    """
    before = set(threading.enumerate())
    yield
    end = time.monotonic() + patience
    while (left := set(threading.enumerate()) - before) and time.monotonic() < end:
        time.sleep(0.01)
    assert not left
