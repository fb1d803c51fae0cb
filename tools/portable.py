"""The notebooks as other processors compute them: nbval must find every stored digit there too.

    python -m tools.portable          each pair of extremes: `make check`
    python -m tools.portable --all    each pair of settings, whole notebooks: `make slow`

OpenBLAS computes as the processor that OPENBLAS_CORETYPE names, and NumPy's own functions without
the instructions that NPY_DISABLE_CPU_FEATURES names; besides, each pass moves every rounding as
tools.nudge does, with a seed of its own. Where the machine has no MNIST, all passes run on the
digits.
"""

import os
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from itertools import product
from pathlib import Path
from typing import NamedTuple

import nbformat
import numpy as np

from tools import lessons
from tools.tasks import NO_MNIST, PARALLEL

PYTEST = [sys.executable, "-m", "pytest", "-q", "-c", lessons.ROOT / "pyproject.toml", "--nbval"]


class Machine(NamedTuple):
    """What an output may not depend on."""

    blas: str  # the processor whose matrix products are taken; native: this one's
    simd: str  # NumPy's vector instructions: all, up to AVX2, or none beyond its baseline
    threads: int  # of BLAS
    data: str  # MNIST or digits

    def environment(self):
        """The variables that make a process compute like this machine."""
        env = {k: v for k, v in os.environ.items() if k != "OPENBLAS_CORETYPE"}
        env |= {"OPENBLAS_NUM_THREADS": str(self.threads)}
        env |= {} if self.blas == "native" else {"OPENBLAS_CORETYPE": self.blas}
        env |= {"NPY_DISABLE_CPU_FEATURES": " ".join(disabled(self.simd))}
        return env | (NO_MNIST if self.data == "digits" else {})


def disabled(simd):
    """The instruction sets that NumPy must leave alone, of those that it found here."""
    found = np.show_config(mode="dicts")["SIMD Extensions"].get("found", [])
    wide = [name for name in found if name.startswith("AVX512") or name == "X86_V4"]
    return {"all": [], "AVX2": wide, "none": found}[simd]


# `make test` is the pass (native, all, 1, MNIST); with it, these hold each pair of extremes
WIDEST = [
    Machine("Zen", "none", 2, "digits"),
    Machine("Prescott", "all", 2, "digits"),
    Machine("Nehalem", "none", 1, "digits"),
    Machine("Prescott", "none", 2, "MNIST"),
]
BLAS = ["native", "Haswell", "Zen", "Nehalem", "Prescott"]


def every_pair():
    """Machines among which each two settings of different kinds meet."""
    for (i, blas), (j, simd) in product(enumerate(BLAS), enumerate(["all", "AVX2", "none"])):
        yield Machine(blas, simd, 1 + (i + j) % 2, ["MNIST", "digits"][(i // 2 + j) % 2])


# -- one pass ----------------------------------------------------------------------------------


def nbval(folder, env, *options):
    """Run the notebooks of a folder; whether each output is the stored one."""
    command = [str(part) for part in (*PYTEST, *options, folder)]
    return subprocess.run(command, cwd=lessons.ROOT, env=env, check=False).returncode == 0


def nudged(folder, seed, env, *options):
    """Run the notebooks of a folder with their arithmetic moved by a bit, as tools.nudge does."""
    env = env | {"JUPYTER_PATH": str(lessons.ROOT / "tools"), "NNLIB_NUDGE": str(seed)}
    return nbval(folder, env, "--nbval-kernel-name", "nudged", *options)


@contextmanager
def short_copies():
    """A folder with the notebooks as they are without the cells tagged `long`.

    No other cell reads what a long one makes: the stored result of such a run stands in for it.
    """
    with tempfile.TemporaryDirectory() as folder:
        for path in sorted(lessons.NOTEBOOKS.glob("*.ipynb")):
            notebook = lessons.read_notebook(path)
            notebook.cells = [c for c in notebook.cells if "long" not in c.metadata.get("tags", [])]
            nbformat.write(notebook, Path(folder) / path.name)
        yield Path(folder)


def main(arguments):
    """Make all passes, and name those that failed."""
    if arguments not in ([], ["--all"]):
        sys.exit("usage: python -m tools.portable [--all], all pairs of settings or a few minutes'")
    failed = []
    with short_copies() as short:
        whole = arguments == ["--all"]
        folder = lessons.NOTEBOOKS if whole else short
        # each with another seed: of a chaotic digit one may find the same
        for seed, machine in enumerate(every_pair() if whole else WIDEST):
            title = "BLAS {}, NumPy's vectors {}, threads {}, {}".format(*machine)
            print(f"\nnotebooks: {title}, roundings moved by seed {seed}", flush=True)
            if not nudged(folder, seed, machine.environment(), *PARALLEL):
                failed.append(title)
    print("".join(f"\nfailed: {title}" for title in failed))
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
