"""The notebooks in other environments: nbval must find every stored output there too.

    python -m tools.everywhere                      each environment: `make everywhere`
    python -m tools.everywhere colab                one of them: `make everywhere NN=colab`
    python -m tools.everywhere [colab] --short      without the cells tagged `long`

Each environment is made anew, with nnlib from its wheel, as whoever only uses it has it. The
notebooks run without network and without MNIST.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from contextlib import nullcontext
from pathlib import Path

from tools import lessons
from tools.portable import short_copies
from tools.tasks import LOCK, NO_MNIST, ONE_THREAD, PARALLEL, ROOT, python_of, run, say

LOCKED = ("--constraint", LOCK, "-r", "pyproject.toml", "--extra", "lab")
LOWEST = ("--resolution", "lowest-direct", "-r", "pyproject.toml", "--extra", "lab")
COLAB = """-r pyproject.toml pytest nbval<0.12 numpy==2.1.3 matplotlib==3.10.0 ipywidgets==7.7.1
    ipython==7.34.0 ipykernel==6.17.1 anywidget==0.9.21""".split()
CONDA = re.findall(r"^  - ([\w-]+[<>].*)$", (ROOT / "environment.yml").read_text(), re.MULTILINE)
ENVIRONMENTS = {  # name: the Pythons that will do, best first, and what is installed
    "colab": (("3.13", "3.11"), COLAB),  # its packages of August 2026
    "lowest": (("3.11",), LOWEST),
    "conda": (("3.11",), CONDA),
    "3.11": (("3.11",), LOCKED),
    "3.12": (("3.12",), LOCKED),
    "3.13": (("3.13",), LOCKED),
}
ASK = ("-c", "import sys; print('{}.{}'.format(*sys.version_info))")
NBVAL = ("-m", "pytest", "-q", "-c", ROOT / "pyproject.toml", "--nbval", *PARALLEL)
NO_NETWORK = dict.fromkeys(["http_proxy", "https_proxy", "all_proxy"], "http://127.0.0.1:9")


def interpreter(version):
    """A Python of this version: the one that runs this, from the search path, or pyenv's."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"), "versions")
    candidates = [sys.executable, f"python{version}", *pyenv.glob(f"{version}.*/bin/python")]
    for candidate in filter(None, map(shutil.which, map(str, candidates))):
        done = subprocess.run([candidate, *ASK], capture_output=True, text=True, check=False)
        if done.stdout.strip() == version:
            return candidate
    return None


def notebooks_in(notebooks, python, wanted):
    """Make an environment with this Python and these packages, and run the notebooks in it."""
    with tempfile.TemporaryDirectory() as folder:
        run("-m", "uv", "venv", "--quiet", "--python", python, folder)
        inside = python_of(Path(folder))
        install = ("-m", "uv", "pip", "install", "--quiet", "--python", inside)
        run(*install, *wanted)
        run(*install, "--no-deps", "--refresh-package", "nnlib", ".")
        run(*install, "pytest-xdist")
        run("-c", "import matplotlib.font_manager", python=inside)  # what it says the first time
        env = ONE_THREAD | NO_MNIST | NO_NETWORK
        run(*NBVAL, notebooks, python=inside, **env)


def main(arguments):
    """Run the notebooks in the environments named, or in all whose Python is here."""
    names = [name for name in arguments if name != "--short"]
    if unknown := [name for name in names if name not in ENVIRONMENTS]:
        sys.exit(f"everywhere: {', '.join(unknown)} is none of {', '.join(ENVIRONMENTS)}")
    with short_copies() if "--short" in arguments else nullcontext(lessons.NOTEBOOKS) as folder:
        failed = [name for name in names or ENVIRONMENTS if not passes(name, folder, bool(names))]
    print("".join(f"failed: {name}\n" for name in failed), end="")
    return bool(failed)


def passes(name, folder, required):
    """Whether the folder's notebooks pass in this environment; one may lack its Python."""
    versions, wanted = ENVIRONMENTS[name]
    python = next(filter(None, map(interpreter, versions)), None)
    if python is None:
        print(f"{name}: Python {versions[0]} is not here", flush=True)
        return not required
    say(f"{name}: {python}")
    try:
        notebooks_in(folder, python, wanted)
    except subprocess.CalledProcessError:
        return False
    return True


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
