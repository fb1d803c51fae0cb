"""Settings of all tests: the same examples each time, in another order each time.

Hypothesis draws the same examples, so that no test needs luck. The order is drawn anew, so that no
test comes to rest on another; `NNLIB_ORDER=123456 pytest ...` runs them as they were run once.
"""

import errno
import os
import random
import socket

import pytest
from hypothesis import settings
from mnist_files import SHA256, SIZES

from nnlib import data

settings.register_profile("same", derandomize=True, deadline=None, database=None)
settings.load_profile("same")


def pytest_configure():
    """Draw the order before pytest-xdist starts its processes, which must all know it."""
    os.environ.setdefault("NNLIB_ORDER", f"{random.randrange(10**6):06}")


def pytest_collection_modifyitems(items):
    random.Random(os.environ["NNLIB_ORDER"]).shuffle(items)


def pytest_terminal_summary(terminalreporter):
    terminalreporter.write_line(f"NNLIB_ORDER={os.environ['NNLIB_ORDER']}")


@pytest.fixture(autouse=True, scope="session")
def no_cache(tmp_path_factory):
    """No test sees or touches the user's own cache."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NNLIB_CACHE", str(tmp_path_factory.getbasetemp() / "no cache"))
        yield


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """A cache of the test's own, and no folder of the user's own."""
    monkeypatch.delenv("NNLIB_MNIST", raising=False)
    monkeypatch.setenv("NNLIB_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def official(monkeypatch):
    """Let the small files be the official ones."""
    monkeypatch.setattr(data, "MNIST_SHA256", SHA256)
    monkeypatch.setattr(data, "MNIST_BYTES", SIZES)


@pytest.fixture
def unplugged(monkeypatch):
    """Count and refuse whatever would reach for the network."""
    calls = []

    def refuse(*arguments, **options):
        calls.append(arguments)
        raise OSError(errno.ENETUNREACH, "Network is unreachable")

    for name in ("connect", "connect_ex", "sendto"):
        monkeypatch.setattr(socket.socket, name, refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    return calls
