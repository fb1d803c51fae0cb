"""Ctrl-C at a moment of one's choosing."""

import gc
import signal

import pytest

needs_timer = pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs a timer signal")


def interrupted(seconds, call, *arguments):
    """Whether an interrupt after so many seconds, wherever the main thread is, ended the call.

    Python drops an exception that falls into a callback of its garbage collector, and hypothesis
    has one: so nothing is collected meanwhile, and an interrupt unheard is sent again.
    """
    before = signal.signal(signal.SIGALRM, signal.default_int_handler)
    gc.disable()
    try:
        signal.setitimer(signal.ITIMER_REAL, seconds, 1)
        call(*arguments)
    except KeyboardInterrupt:
        return True
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        gc.enable()
    return False
