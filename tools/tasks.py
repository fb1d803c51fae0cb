"""Every command of the project: `python tools/tasks.py lab` is `make lab`.

Needs Python 3.11 and nothing else: the first command makes the environment `.venv`.
"""

import hashlib
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
LOCK = ROOT / "requirements.lock"
PIP = ("-m", "pip", "install", "-qq")
ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1"}  # two test processes share the cores
NO_MNIST = {"NNLIB_MNIST": "", "NNLIB_CACHE": str(VENV / "empty-cache")}


def python_of(venv):
    """The interpreter of a virtual environment."""
    return venv / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def run(*arguments, python=None, timeout=None, **env):
    """Run the environment's Python in the project's folder; a failure ends the task."""
    command = [str(python or python_of(VENV)), *map(str, arguments)]
    subprocess.run(command, cwd=ROOT, env=os.environ | env, check=True, timeout=timeout)


def install(extra=""):
    """Make `.venv` with the versions of requirements.lock; again only when they changed."""
    stamp = VENV / f"installed{extra}"
    wanted = hashlib.sha256(LOCK.read_bytes() + (ROOT / "pyproject.toml").read_bytes()).hexdigest()
    if stamp.exists() and stamp.read_text() == wanted:
        return
    print("installing into .venv, about a minute ...", flush=True)
    if not python_of(VENV).exists():
        run("-m", "venv", VENV, python=sys.executable)
    run(*PIP, "--constraint", LOCK, "--editable", f".{extra}")
    stamp.write_text(wanted)


# -- for lecturers and students ----------------------------------------------------------------


def lab():
    """Open JupyterLab on work/, a copy of the notebooks that is yours and is never overwritten."""
    install()
    copy_notebooks(ROOT / "notebooks", ROOT / "work")
    if not os.environ.get("NNLIB_MNIST"):
        try:
            run("-m", "nnlib.data", "fetch", timeout=120)
        except (subprocess.CalledProcessError, subprocess.TimeoutExpired):
            print("MNIST is not here yet: the lessons use the bundled digits instead.", flush=True)
    root = hasattr(os, "geteuid") and os.geteuid() == 0  # in a container; Jupyter refuses unasked
    options = ["--allow-root"] * root + shlex.split(os.environ.get("LAB_ARGS", ""))
    run("-m", "jupyterlab", *options, "work")


def copy_notebooks(source, target):
    """Copy the notebooks that the target folder does not have; leave all others alone."""
    target.mkdir(exist_ok=True)
    for notebook in sorted(source.glob("*.ipynb")):
        if not (target / notebook.name).exists():
            shutil.copy(notebook, target)


def mnist():
    """Download MNIST into the user's cache."""
    install()
    run("-m", "nnlib.data", "fetch")


# -- for whoever changes something -------------------------------------------------------------


def test():
    """Run every test: those of nnlib and of the tools, the doctests, and the notebooks."""
    install("[dev]")
    run("-m", "pytest", "-q", "-n", "2", **ONE_THREAD)
    notebooks_as_stored()


def notebooks_as_stored(**env):
    """Run the notebooks; each output must equal the stored one."""
    # loadscope keeps a notebook on one kernel
    parallel = ["-n", "2", "--dist", "loadscope"]
    run("-m", "pytest", "-q", "--nbval", "notebooks", *parallel, **(ONE_THREAD | env))


def check():
    """Lint, format, types, tests, and the notebooks as other processors compute them."""
    install("[dev]")
    run("-m", "ruff", "check")
    run("-m", "ruff", "format", "--check")
    run("-m", "mypy")
    test()
    for processor in ("Haswell", "Prescott"):
        print(f"notebooks without MNIST, OpenBLAS as on {processor}", flush=True)
        notebooks_as_stored(OPENBLAS_CORETYPE=processor, **NO_MNIST)


def slow():
    """Run the tests that take minutes, those in a browser too."""
    install("[dev]")
    run("-m", "pytest", "-q", "-m", "slow", "-n", "2", **ONE_THREAD)


def browser():
    """Run each notebook in a browser and move its controls."""
    install("[dev]")
    run("-m", "pytest", "-q", "-m", "slow", "tests/test_browser.py", **ONE_THREAD)


def conda():
    """Do what conda does with environment.yml, with pip, then run the notebooks without network."""
    nowhere = dict.fromkeys(["http_proxy", "https_proxy", "all_proxy"], "http://127.0.0.1:9")
    with tempfile.TemporaryDirectory() as folder:
        python = python_of(Path(folder))
        run("-m", "venv", folder, python=sys.executable)
        run(*PIP, *conda_requirements(), "--editable", ".", python=python)
        run("-m", "pytest", "--nbval", "notebooks/", python=python, **nowhere, **NO_MNIST)


def conda_requirements():
    """The packages that environment.yml names, without Python and pip themselves."""
    text = (ROOT / "environment.yml").read_text()
    packages = re.findall(r"^  - ([\w-]+.*)$", text, flags=re.MULTILINE)
    return [
        package for package in packages if not re.match(r"(conda-forge|python=|pip\b)", package)
    ]


def notebooks(*numbers):
    """Build the notebooks of all lessons, or of those given, such as 05."""
    install("[dev]")
    run("-m", "tools.build", *numbers, **ONE_THREAD)


def lesson(*numbers):
    """Take the edits made in notebooks, such as 05, back into their lessons."""
    install("[dev]")
    run("-m", "tools.build", "--lesson", *numbers)


def bench():
    """Time nnlib beside its peers."""
    install("[dev]")
    run("-m", "benchmarks")


def lock():
    """Write requirements.lock anew: the newest versions that pyproject.toml admits."""
    install("[dev]")
    run(*PIP, "uv")
    options = ["--universal", "--python-version=3.11", "--all-extras", "--upgrade"]
    options += ["--no-header", "--no-annotate", "--no-emit-index-url", "--no-emit-find-links"]
    run("-m", "uv", "pip", "compile", "--quiet", *options, "-o", LOCK, "pyproject.toml")
    LOCK.write_text("# Exact versions for all systems; `make lock` writes it.\n" + LOCK.read_text())


def clean():
    """Remove the environment and the caches; work/ stays."""
    for name in (".venv", ".pytest_cache", ".mypy_cache", ".ruff_cache", ".hypothesis"):
        shutil.rmtree(ROOT / name, ignore_errors=True)


TASKS = [lab, mnist, test, check, slow, browser, conda, notebooks, lesson, bench, lock, clean]


def main(name="", *arguments):
    """Run the task of that name, or say which there are."""
    tasks = {task.__name__: task for task in TASKS}
    if name not in tasks:
        lines = [f"  {task.__name__:10} {task.__doc__.splitlines()[0]}" for task in TASKS]
        sys.exit("\n".join(["usage: python tools/tasks.py TASK", *lines]))
    try:
        tasks[name](*arguments)
    except subprocess.CalledProcessError as error:
        sys.exit(error.returncode)
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    if sys.version_info < (3, 11):  # noqa: UP036 - whoever starts this may have an older one
        sys.exit("nnlib needs Python 3.11 or newer; this is " + sys.version.split()[0])
    main(*sys.argv[1:])
