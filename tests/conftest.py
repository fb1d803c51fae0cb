"""Settings of all tests: the same examples each time, in another order each time.

Hypothesis draws the same examples, so that no test needs luck. The order is drawn anew, so that no
test comes to rest on another; `NNLIB_ORDER=123456 pytest ...` runs them as they were run once.
"""

import os
import random

from hypothesis import settings

settings.register_profile("same", derandomize=True, deadline=None, database=None)
settings.load_profile("same")


def pytest_configure():
    """Draw the order before pytest-xdist starts its processes, which must all know it."""
    os.environ.setdefault("NNLIB_ORDER", f"{random.randrange(10**6):06}")


def pytest_collection_modifyitems(items):
    random.Random(os.environ["NNLIB_ORDER"]).shuffle(items)


def pytest_terminal_summary(terminalreporter):
    terminalreporter.write_line(f"NNLIB_ORDER={os.environ['NNLIB_ORDER']}")
