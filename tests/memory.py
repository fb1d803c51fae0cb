"""Memory, as Python counts it."""

import tracemalloc


def peak_memory(call):
    """The most bytes that a call holds at once."""
    tracemalloc.start()
    try:
        call()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
