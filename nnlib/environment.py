"""What the lessons need of a computer: each fault is one sentence with the one thing that mends it.

Importing this takes the standard library alone, so that it can still say that NumPy is missing.
"""

import json
import os
import re
import sys
from collections.abc import Callable, Iterator
from importlib.metadata import PackageNotFoundError, distribution, distributions, version
from pathlib import Path
from typing import Any
from urllib.parse import urlparse
from urllib.request import url2pathname

OLDEST_PYTHON = (3, 11)
HERE = Path(__file__).resolve().parent
SITE_PACKAGES = ("lib/python3*/site-packages", "Lib/site-packages")
WIDGETS = "@jupyter-widgets/jupyterlab-manager/package.json"


def check_environment() -> None:
    """Print what is missing or wrong here, a line each with what mends it, or that all is well.

    >>> check_environment()
    Everything is there.
    """
    print("\n".join(faults() or ["Everything is there."]))


def faults() -> list[str]:
    """A sentence for each thing that is missing or wrong here, with what mends it.

    A wrong Python, a wrong kernel or a missing nnlib is told alone: the rest would follow from it.

    >>> faults()
    []
    """
    for check in (python_faults, kernel_faults, installation_faults):
        if found := list(check()):
            return found
    others = (package_faults, widget_faults, arithmetic_faults, digits_faults)
    return [fault for check in others for fault in check()]


# -- Python and its packages ----------------------------------------------------------------------


def python_faults() -> Iterator[str]:
    """A Python that is too old."""
    if sys.version_info < OLDEST_PYTHON:
        found, due = (".".join(map(str, v[:2])) for v in (sys.version_info, OLDEST_PYTHON))
        yield (
            f"This is Python {found}, and the course needs {due} or newer: run "
            "`conda env create -f environment.yml`, then `conda activate nnlib`."
        )


def installation_faults() -> Iterator[str]:
    """An nnlib that is not installed, or installed from other files than those imported."""
    try:
        folder = installed_folder()
    except PackageNotFoundError:
        yield f"nnlib is not installed in this Python: {install(HERE.parent, '-e')}."
        return
    if not (folder.exists() and folder.samefile(HERE)):
        how = install(HERE.parent, "-e")
        yield f"nnlib is installed from {folder}, but imported from {HERE}: {how}."


def installed_folder() -> Path:
    """Where the installed nnlib lies: in its own folder if editable, else beside other packages."""
    installed = distribution("nnlib")
    origin = json.loads(installed.read_text("direct_url.json") or "{}")
    if origin.get("dir_info", {}).get("editable"):
        return Path(url2pathname(urlparse(origin["url"]).path), "nnlib")
    return Path(str(installed.locate_file("nnlib")))


def package_faults() -> Iterator[str]:
    """Packages that nnlib requires and that are missing, or not of a version that it takes."""
    for line in distribution("nnlib").requires or []:
        wanted = line.partition(";")[0].strip()
        name = re.split(r"[^\w.-]", wanted)[0]
        needed, accepts = requirement(line)
        if not needed:
            continue
        try:
            if not accepts(found := version(name)):
                yield f"{name} {found} does not fit: {install(wanted)}."
        except PackageNotFoundError:
            yield f"{name} is not installed: {install(wanted)}."


def requirement(line: str) -> tuple[bool, Callable[[str], bool]]:
    """Whether a package is needed here without any extra, and which versions of it are accepted."""
    try:
        from packaging.requirements import Requirement
    except ImportError:  # then versions cannot be compared
        return "extra ==" not in line, lambda found: True
    asked = Requirement(line)
    needed = not asked.marker or asked.marker.evaluate({"extra": ""})
    return needed, lambda found: asked.specifier.contains(found, prereleases=True)


def install(what: object, *options: str) -> str:
    """How to install something in this very Python, from a notebook or from a terminal.

    >>> install("numpy>=2.0", "--upgrade")
    'run `python -m pip install --upgrade "numpy>=2.0"`'
    """
    command = " ".join(["pip install", *options, f'"{what}"'])
    if in_a_notebook():
        return f"run `%{command}` in a cell, then restart the kernel"
    return f"run `python -m {command}`"


# -- Jupyter --------------------------------------------------------------------------------------


def kernel_faults() -> Iterator[str]:
    """Notebooks that run in another Python than the one that has nnlib."""
    if in_a_notebook():
        active = filter(None, map(os.environ.get, ("VIRTUAL_ENV", "CONDA_PREFIX")))
        better = [folder for folder in active if has_nnlib(folder)]
        if better and not any(distributions(name="nnlib")):
            yield (
                f"This notebook does not run in {better[0]}, which has nnlib: run "
                "`python -m ipykernel install --user --name nnlib` there, then choose nnlib as the "
                "notebook's kernel."
            )
        return
    if not lab_shows_notebooks():
        return
    python, where = python_of_notebooks()
    if python.parent not in (Path(), Path(sys.executable).parent):
        scope = "--sys-prefix" if Path(sys.prefix) in where.parents else "--user"
        yield (
            f"Notebooks run in {python}, not in this Python: run "
            f"`python -m ipykernel install {scope}`."
        )


def in_a_notebook() -> bool:
    """Whether this Python is a notebook's kernel."""
    ipython = sys.modules.get("IPython")
    return ipython is not None and hasattr(ipython.get_ipython(), "kernel")


def lab_shows_notebooks() -> bool:
    """Whether JupyterLab is what shows notebooks here; if not, its faults are nobody's.

    VS Code and Colab have kernels of this Python, but show sliders and buttons with means of their
    own, and so does whatever else is in use where JupyterLab is not installed.
    """
    another = "VSCODE_PID" in os.environ or "google.colab" in sys.modules
    return not another and any(distributions(name="jupyterlab"))


def has_nnlib(prefix: str) -> bool:
    """Whether nnlib is installed in the Python of this folder."""
    folders = [str(path) for pattern in SITE_PACKAGES for path in Path(prefix).glob(pattern)]
    return any(distributions(name="nnlib", path=folders))


def python_of_notebooks() -> tuple[Path, Path]:
    """The program that Jupyter starts for a notebook, and the folder that says so."""
    try:
        from jupyter_client.kernelspec import KernelSpecManager

        spec = KernelSpecManager().get_kernel_spec("python3")
    except (ImportError, KeyError):  # JupyterLab starts the Python that it has
        return Path("python"), Path()
    return Path(spec.argv[0]), Path(spec.resource_dir)


def widget_faults() -> Iterator[str]:
    """A JupyterLab that cannot show sliders and buttons."""
    if not lab_shows_notebooks():
        return
    try:
        from jupyter_core.paths import jupyter_path
    except ImportError:  # JupyterLab itself will say more than could be said here
        return
    if not any(Path(folder, WIDGETS).exists() for folder in jupyter_path("labextensions")):
        how = install("jupyterlab_widgets", "--force-reinstall")
        yield f"JupyterLab lacks what shows sliders and buttons: {how}."


# -- Numbers and data -----------------------------------------------------------------------------


def arithmetic_faults() -> Iterator[str]:
    """A NumPy that cannot be imported, or whose matrix product is wrong or gives false alarms.

    Both have been reported on Apple's processors: divisions by zero that are none, with NumPy 2.0
    to 2.3 on Apple's library, and wrong float32 products with one build of NumPy 2.5.0.
    """
    try:
        import numpy as np
    except ImportError as error:
        if any(distributions(name="numpy")):  # else package_faults tells
            how = install("numpy", "--force-reinstall")
            yield f"NumPy is installed, but cannot be imported ({error}): {how}."
        return
    how, x = install("numpy", "--upgrade"), np.random.default_rng(0).random((300, 672))
    for a, bound in ((x, 1e-12), (x.astype(np.float32), 1e-4)):
        try:
            with np.errstate(divide="raise", over="raise", invalid="raise"):
                fast = product(a)
        except FloatingPointError as error:
            yield f"NumPy's matrix product gives false alarms ({error}): {how}."
            return
        slow = np.einsum("ik,jk->ij", a, a)  # NumPy's own loops
        if not np.abs(fast - slow).max() <= bound * slow.max():
            yield f"NumPy multiplies {a.dtype} matrices wrongly: {how}."


def product(a: Any) -> Any:
    """a aᵀ, as the linear algebra library computes it."""
    return a @ a.T


def digits_faults() -> Iterator[str]:
    """Bundled digits that are missing or altered."""
    try:
        from nnlib.data import load_digits

        load_digits()
    except ImportError:  # told above
        return
    except (OSError, ValueError):
        git = (HERE.parent / ".git").exists()
        how = "run `git checkout nnlib/assets`" if git else "copy nnlib/assets there"
        yield f"The bundled digits are missing or altered: {how} in the course's folder again."


if __name__ == "__main__":
    check_environment()
