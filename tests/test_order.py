"""Tests stand alone: they run in any order, and none leaves anything to the next."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).parent


def run_tests(*arguments, folder=TESTS.parent, **env):
    """What pytest says, in a process of its own."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *map(str, arguments)]
    env = os.environ | {"PYTHONPATH": os.pathsep.join(map(str, [TESTS.parent, TESTS]))} | env
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout


def test_the_order_is_the_seeds(pytestconfig, monkeypatch):
    conftest = pytestconfig.pluginmanager.get_plugin(str(TESTS / "conftest.py"))

    def order(seed):
        monkeypatch.setenv("NNLIB_ORDER", seed)
        items = list(range(100))
        conftest.pytest_collection_modifyitems(items)
        return items

    assert order("1") == order("1")
    assert order("1") != order("2")
    assert sorted(order("1")) == list(range(100)) != order("1")


LEFT_BEHIND = """
import os, signal, threading
import matplotlib, numpy as np, pytest

def test_good():
    with np.errstate(over="raise"):
        np.random.default_rng(0).random()

@pytest.mark.parametrize("leave", [
    lambda: os.environ.update(LEFT="1"),
    lambda: os.chdir(".."),
    lambda: signal.signal(signal.SIGTERM, signal.SIG_IGN),
    lambda: matplotlib.rcParams.update({"font.size": 7}),
    lambda: np.seterr(over="raise"),
    lambda: np.set_printoptions(precision=3),
    lambda: np.random.random(),
])
def test_bad(leave):
    leave()
"""


def test_a_test_that_leaves_something_behind_fails_itself(tmp_path):
    shutil.copy(TESTS / "conftest.py", tmp_path)
    (tmp_path / "test_some.py").write_text(LEFT_BEHIND)
    code, output = run_tests("test_some.py", folder=tmp_path, NNLIB_ORDER="any")
    assert code == 1
    assert "8 passed, 7 errors" in output
    assert "NNLIB_ORDER=any" in output  # so that it can be repeated


@pytest.mark.slow
@pytest.mark.parametrize("order", ["as it comes", "or thus"])
def test_the_suite_passes_in_one_process_with_every_core_busy(order):
    code, output = run_tests("-p", "no:xdist", "--busy", NNLIB_ORDER=order)
    assert code == 0, output[-3000:]
