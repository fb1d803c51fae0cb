"""Every command of the project: `python tools/tasks.py lab` is `make lab`.

Needs Python 3.11 and nothing else: the first command makes the environment `.venv`. Only `lab` and
`mnist` do without one where the Python that runs them has the course, as with conda.
"""

import hashlib
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
LOCK = ROOT / "requirements.lock"
ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1"}  # two test processes share the cores
PARALLEL = ("-n", "2", "--dist", "loadscope")  # a notebook stays on one kernel
FETCH_QUIETLY = """
import sys
from nnlib.data import fetch
try:
    print("MNIST is in", fetch())
except (OSError, ValueError):
    sys.exit(1)
"""
NO_MNIST = {"NNLIB_MNIST": "", "NNLIB_CACHE": str(VENV / "empty-cache")}


def python_of(venv):
    """The interpreter of a virtual environment."""
    return venv / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def run(*arguments, python=None, timeout=None, **env):
    """Run the environment's Python in the project's folder; a failure ends the task."""
    command = [str(python or python_of(VENV)), *map(str, arguments)]
    subprocess.run(command, cwd=ROOT, env=os.environ | env, check=True, timeout=timeout)


def install(extra="[lab]"):
    """Make `.venv` with the versions of requirements.lock; again only when they changed."""
    stamp = VENV / f"installed{extra}"
    sources = [LOCK, ROOT / "pyproject.toml", *sorted((ROOT / "jupyter").rglob("*.json"))]
    wanted = hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()
    if stamp.exists() and stamp.read_text() == wanted:
        return
    if not python_of(VENV).exists():
        say("making the environment .venv")
        run("-m", "venv", VENV, python=sys.executable)
    say("installing what the course is built on, which takes a minute or more")
    command = [python_of(VENV), "-m", "pip", "install", "--progress-bar=off"]
    run_aloud(*command, "--constraint", LOCK, "--editable", f".{extra}")
    stamp.write_text(wanted)


def say(what):
    """A line on what is being done, at once."""
    print(f"{what} ...", flush=True)


def run_aloud(*command):
    """Run pip and pass on its news, and from its first error on all that it says."""
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    with subprocess.Popen([*map(str, command)], cwd=ROOT, **options) as process:
        failing = False
        for line in process.stdout:
            failing = failing or line.startswith("ERROR")
            if failing:
                print(line, end="", flush=True)
            elif found := news(line):
                say(found)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)


def news(line):
    """What a line of pip's means to whoever waits: larger packages, and the time to unpack all."""
    if found := re.search(r"(?:Downloading|Using cached) (\w+)-\S+ \((\S+ MB)\)", line):
        return f"  {found[1]}, {found[2]}"
    if line.startswith("Installing collected packages:"):
        return f"  unpacking {line.count(',') + 1} packages"
    return None


# -- for lecturers and students ----------------------------------------------------------------


def lab():
    """Open JupyterLab on work/, a copy of the notebooks that is yours and is never overwritten."""
    python = python_with_course()
    copy_notebooks(ROOT / "notebooks", ROOT / "work")
    if not os.environ.get("NNLIB_MNIST"):
        say("looking for MNIST")
        try:
            run("-c", FETCH_QUIETLY, python=python, timeout=120)
        except (subprocess.CalledProcessError, subprocess.TimeoutExpired):
            print("MNIST is not here yet: the lessons use the bundled digits instead.", flush=True)
    root = hasattr(os, "geteuid") and os.geteuid() == 0  # in a container; Jupyter refuses unasked
    options = ["--allow-root"] * root + shlex.split(os.environ.get("LAB_ARGS", ""))
    run("-m", "jupyterlab", *options, "work", python=python)


def python_with_course():
    """This very Python where it has this course and JupyterLab, as with conda; else `.venv`'s."""
    course = find_spec("nnlib")
    here = course is not None and Path(course.origin).parent == ROOT / "nnlib"
    if here and find_spec("jupyterlab") and Path(sys.prefix).resolve() != VENV:
        return Path(sys.executable)
    install()
    return python_of(VENV)


def copy_notebooks(source, target):
    """Copy the notebooks that the target folder does not have, unanswered; leave others alone."""
    target.mkdir(exist_ok=True)
    for notebook in sorted(source.glob("*.ipynb")):
        if not (target / notebook.name).exists():
            copy = unanswered(json.loads(notebook.read_text(encoding="utf-8")))
            begun = target / f"{notebook.stem}.part"  # what is broken off is begun again
            begun.write_text(json.dumps(copy, ensure_ascii=False, indent=1), encoding="utf-8")
            begun.replace(target / notebook.name)


def unanswered(notebook):
    """A notebook as a student opens it: no prediction's answer below it, and the imports folded."""
    codes = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    for cell in codes:
        cell.update(outputs=[], execution_count=None)
    for cell in codes[:1]:
        cell["metadata"]["jupyter"] = {"source_hidden": True}
    return notebook


def mnist():
    """Download MNIST into the user's cache."""
    run("-m", "nnlib.data", "fetch", python=python_with_course())


# -- for whoever changes something -------------------------------------------------------------


def test():
    """Run every test: those of nnlib and of the tools, the doctests, and the notebooks."""
    install("[dev]")
    run("-m", "pytest", "-q", "-n", "2", **ONE_THREAD)
    notebooks_as_stored()


def notebooks_as_stored(python=None, **env):
    """Run the notebooks; each output must equal the stored one."""
    command = ("-m", "pytest", "-q", "--nbval", "notebooks", *PARALLEL)
    run(*command, python=python, **(ONE_THREAD | env))


def check():
    """Lint, format, types, tests, and the notebooks as other processors compute them."""
    install("[dev]")
    run("-m", "ruff", "check")
    run("-m", "ruff", "format", "--check")
    run("-m", "mypy")
    test()
    run("-m", "tools.portable")


def slow():
    """Run the tests that take minutes, those in a browser too."""
    install("[dev]")
    run("-m", "pytest", "-q", "-m", "slow", "-n", "2", **ONE_THREAD)


def browser():
    """Run each notebook in a browser and move its controls."""
    install("[dev]")
    files = sorted((ROOT / "tests").glob("test_browser*.py"))
    run("-m", "pytest", "-q", "-m", "slow", "-n", "2", "--dist", "loadgroup", *files, **ONE_THREAD)


def everywhere(*names):
    """Run the notebooks with Colab's packages, the lowest versions, conda's, other Pythons."""
    install("[dev]")
    run("-m", "tools.everywhere", *names)


def conda():
    """Run the notebooks with what conda installs from environment.yml, but without conda."""
    everywhere("conda")


def notebooks(*numbers):
    """Build the notebooks of all lessons, or of those given, such as 05."""
    install("[dev]")
    run("-m", "tools.contents")
    run("-m", "tools.build", *numbers, **ONE_THREAD)


def runsheet(*numbers):
    """Write runsheets/: for each lesson, or those given, a page for the lecturer to print."""
    install("[dev]")
    run("-m", "tools.runsheet", *numbers)


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
    options = ["--universal", "--python-version=3.11", "--all-extras", "--upgrade"]
    options += ["--no-header", "--no-annotate", "--no-emit-index-url", "--no-emit-find-links"]
    run("-m", "uv", "pip", "compile", "--quiet", *options, "-o", LOCK, "pyproject.toml")
    LOCK.write_text("# Exact versions for all systems; `make lock` writes it.\n" + LOCK.read_text())


def clean():
    """Remove the environment and the caches; work/ stays."""
    for name in (".venv", ".pytest_cache", ".mypy_cache", ".ruff_cache", ".hypothesis"):
        shutil.rmtree(ROOT / name, ignore_errors=True)


TASKS = [lab, mnist, test, check, slow, browser, conda, everywhere, notebooks, lesson, bench]
TASKS += [runsheet, lock, clean]


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
