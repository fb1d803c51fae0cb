"""A wheel has all that the lessons need where there is no checkout: files, tables, settings."""

import os
import subprocess
import sys
import zipfile

import pytest
from flit_core import buildapi

from tools import tasks

PACKAGE = tasks.ROOT / "nnlib"
READ = """
import sys
from pathlib import Path
from nnlib import data, environment
from nnlib.experiments.encoder_on_mnist import trained
from nnlib.experiments.stored import RESULTS, stored
assert Path(data.__file__).is_relative_to(sys.prefix)
assert all(map(stored, (path.stem for path in RESULTS.glob("*.csv"))))
assert stored("02_claims") and len(data.load_digits().x_train) == 1500
assert trained("digits")
environment.check_environment()
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """nnlib's wheel, built from this folder."""
    folder, before = tmp_path_factory.mktemp("wheel"), os.getcwd()
    os.chdir(tasks.ROOT)
    try:
        return folder / buildapi.build_wheel(str(folder))
    finally:
        os.chdir(before)


def test_a_wheel_has_every_file_of_the_package(wheel):
    files = (path for path in PACKAGE.rglob("*") if path.is_file())
    due = {path.relative_to(tasks.ROOT).as_posix() for path in files if path.suffix != ".pyc"}
    assert "nnlib/assets/results/02_claims.csv" in due
    assert "nnlib/assets/checkpoints/06_mnist.npz" in due
    assert due <= set(zipfile.ZipFile(wheel).namelist())


def test_a_wheel_has_what_jupyter_is_told_and_nothing_that_another_package_could_own(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    data = sorted(name.partition(".data/data/")[2] for name in names if ".data/" in name)
    assert data == [
        "etc/jupyter/jupyter_server_config.d/nnlib.json",
        "share/jupyter/lab/settings/overrides.d/nnlib.json",
    ]


@pytest.mark.slow
def test_an_environment_with_nothing_but_the_wheel_reads_tables_and_is_well(wheel, tmp_path):
    folder = tmp_path / "environment"
    python = tasks.python_of(folder)
    uv = [sys.executable, "-m", "uv"]
    install = [*uv, "pip", "install", "--quiet", "--python", python, "-c", tasks.LOCK, wheel]
    subprocess.run([*uv, "venv", "--quiet", "--python", sys.executable, folder], check=True)
    subprocess.run(install, check=True)
    command = [python, "-W", "error", "-c", READ]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "Everything is there.\n", "")
    for absent in ("jupyterlab", "ipykernel", "pytest", "nbval"):
        assert subprocess.run([python, "-c", f"import {absent}"], capture_output=True).returncode
