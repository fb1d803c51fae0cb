"""Ctrl-C at a moment of one's choosing."""

import gc
import signal
import sys

import pytest

needs_timer = pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs a timer signal")


def interrupted(seconds, call, *arguments):
    """Whether an interrupt after so many seconds, wherever the main thread is, ended the call.

    Python drops an exception that falls into a callback of its garbage collector, and hypothesis
    has one: so nothing is collected meanwhile, and an interrupt unheard is sent again, after what
    is enough for the busiest machine to end a call that heard it.
    """
    before = signal.signal(signal.SIGALRM, signal.default_int_handler)
    gc.disable()
    try:
        signal.setitimer(signal.ITIMER_REAL, seconds, 60)
        call(*arguments)
    except KeyboardInterrupt:
        return True
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        gc.enable()
    return False


def interrupted_at(moment, call, *arguments):
    """Whether an interrupt at this moment, counted from here on, ended the call.

    Python looks for signals as a function begins and as one in C has returned, and only there.
    """
    moments = 0

    def look(frame, event, argument):
        nonlocal moments
        moments += event in ("call", "c_return")
        if moments == moment:
            sys.setprofile(None)
            raise KeyboardInterrupt

    gc.disable()
    try:
        sys.setprofile(look)
        call(*arguments)
    except KeyboardInterrupt:
        return True
    finally:
        sys.setprofile(None)
        gc.enable()
    return False
