"""What holds for all tests: any order, any company, the same examples, and nothing left behind.

Hypothesis draws the same examples each time, so that no test needs luck. The order is drawn anew,
so that no test comes to rest on another: `NNLIB_ORDER=123456 pytest` repeats one. `--busy` keeps
every core busy with other work meanwhile.
"""

import errno
import os
import random
import signal
import socket
import subprocess
import sys

import matplotlib
import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from ipywidgets import Widget
from mnist_files import SHA256, SIZES
from pictures import assert_legible
from threadpoolctl import ThreadpoolController

from nnlib import data
from nnlib.plots.canvas import new_figure, png, style
from tools import browser

collect_ignore_glob = ["golden/*"]  # scripts that need PyTorch
POOLS = ThreadpoolController()
MADE: list[Widget] = []
Widget.on_widget_constructed(MADE.append)
BUSY = "import os; parent = os.getppid()\nwhile os.getppid() == parent: pass"

settings.register_profile(
    "same",
    derandomize=True,
    database=None,
    deadline=None,  # nor is a slow machine a fault
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("same")


def pytest_addoption(parser):
    parser.addoption("--busy", action="store_true", help="keep every core busy meanwhile")


def pytest_configure(config):
    """Draw the order and start the other work, before pytest-xdist starts its processes."""
    if not hasattr(config, "workerinput"):
        os.environ.setdefault("NNLIB_ORDER", f"{random.randrange(10**6):06}")
        for _ in range(config.getoption("busy") * os.cpu_count()):
            config.add_cleanup(subprocess.Popen([sys.executable, "-c", BUSY]).kill)


def pytest_collection_modifyitems(items):
    random.Random(os.environ["NNLIB_ORDER"]).shuffle(items)


def pytest_terminal_summary(terminalreporter):
    terminalreporter.write_line(f"NNLIB_ORDER={os.environ['NNLIB_ORDER']}")


def shared_state():
    """All that one test could leave to the next, but what reading or nbclient changes by itself."""
    kind, numbers, *place = np.random.get_state()
    signals = signal.valid_signals() - {signal.SIGINT}
    return {
        "environment variables": dict(os.environ) | {"PYTEST_CURRENT_TEST": ""},
        "working folder": os.getcwd(),
        "signal handlers": {number: signal.getsignal(number) for number in signals},
        "matplotlib settings": dict(dict.items(matplotlib.rcParams)) | {"backend": ""},
        "NumPy error handling": np.geterr(),
        "NumPy print options": np.get_printoptions(),
        "NumPy's global generator": (kind, numbers.tobytes(), *place),
        "threads of BLAS": [pool["num_threads"] for pool in POOLS.info()],
    }


@pytest.fixture(autouse=True)
def nothing_left_behind():
    """Fail the test that changes what the next one starts from, rather than the next one."""
    before = shared_state()
    yield
    after = shared_state()
    assert not [name for name in before if before[name] != after[name]]


def closing():
    """Close what widgets are made meanwhile: ipywidgets keeps each, and it its panel's pictures."""
    first = len(MADE)
    yield
    for widget in MADE[first:]:
        widget.close()
    del MADE[first:]


widgets_of_a_test = pytest.fixture(autouse=True)(closing)
widgets_of_a_module = pytest.fixture(autouse=True, scope="module")(closing)


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


@pytest.fixture(scope="session")
def chromium():
    """The browser."""
    if browser.executable() is None and os.environ.get("NNLIB_BROWSER") != "required":
        pytest.skip("Chromium is not installed")
    with browser.chromium() as chromium:
        yield chromium


@pytest.fixture
def ax():
    """Axes in the style of the course; at the end, all that is drawn can be read."""
    with style():
        figure = new_figure(8, 4)
        yield figure.gca()
        png(figure)
    assert_legible(figure)
