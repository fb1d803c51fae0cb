"""A stored digit is that of every processor: planted digits that are not are found."""

import json
import os
import subprocess
import sys
from itertools import combinations

import nbformat
import numpy as np
import pytest

from tools import build, lessons, portable
from tools.nudge import moved
from tools.portable import WIDEST, Machine, every_pair

# -- arithmetic moved by a bit -----------------------------------------------------------------


def ulps(before, after):
    """By how many units in the last place each number was moved."""
    return np.abs(np.subtract(after, before) / np.spacing(np.abs(before)))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_each_number_is_moved_by_one_unit_some_up_some_down(dtype):
    x = np.random.default_rng(0).standard_normal((300, 4)).astype(dtype)
    y = moved(x)
    assert (y.dtype, y.shape) == (x.dtype, x.shape)
    assert (ulps(x, y) <= 1).all()
    assert 0.4 < (y > x).mean() < 0.6
    assert 0.4 < (y < x).mean() < 0.6
    assert (moved(x, ulps=4) != y).mean() > 0.9


def test_equal_numbers_are_moved_alike_and_the_argument_is_left_alone():
    x = np.full(5, 0.1)
    assert len(set(moved(x))) == 1
    assert (x == 0.1).all()
    assert moved(np.array([0.3, 0.1]))[1] == moved(0.1) == moved(np.float64(0.1))


def test_what_is_exact_everywhere_is_not_moved():
    exact = [0.0, -0.0, 1.0, -3.0, 0.5, 1234.0625, np.inf, -np.inf, np.nan]
    assert np.array_equal(moved(np.array(exact)), exact, equal_nan=True)
    for other in (3, True, "0.1", None, [0.1], np.array([1, 2]), np.array(0.1 + 1j)):
        assert moved(other) is other


@pytest.mark.parametrize("x", [0.1, np.float64(0.1), np.float32(0.1), np.array(0.1)])
def test_a_number_keeps_its_type(x):
    assert type(moved(x)) is type(x)
    assert moved(x) != x
    assert moved((x, 2)) == (moved(x), 2)


# -- in a kernel -------------------------------------------------------------------------------

SETUP = """\
import numpy as np
from nnlib.blocks import linear, sigmoid
from nnlib.data import load_digits, scale
from nnlib.layers import Linear
from nnlib.losses import softmax_cross_entropy
from nnlib.mlp import MLP
from nnlib.optimizers import GradientDescent
from nnlib.parameters import parameter_vector
from nnlib.training import Training
x, W = np.full((4, 3), 1 / 3), np.full((2, 3), 1 / 7)
exp, dot, power, array_sum = np.exp, np.dot, np.power, np.ndarray.sum  # known by other names
draw = lambda *shape: getattr(np.random.default_rng(0), "standard_normal")(shape)"""
MOVED = [  # in a cell, then in nnlib
    "np.exp(x) != exp(x)",
    "x @ W.T != dot(x, W.T)",
    "x**3 != power(x, 3)",
    "W.sum() != array_sum(W)",
    "np.random.default_rng(0).standard_normal(5) != draw(5)",
    "linear(x, W, np.zeros(2))[0] != dot(x, W.T)",
    "sigmoid(x)[0] != 1 / (1 + exp(-x))",
    "Linear(2, 3, rng=0, dtype='float32').params['W'] != draw(3, 2).astype('float32')",
]
RUN = """\
digits = load_digits()
data = scale(digits.x_train, np.float64, white=16), digits.labels_train

def summed(z, *, labels):
    L, pullback = softmax_cross_entropy(z, labels=labels)
    return len(z) * L, lambda dL: pullback(len(z) * dL)

def accuracy_at(rate):
    network = MLP(64, 30, 10, rng=0, dtype="float64")
    rule = GradientDescent(parameter_vector(network)[0], rate)
    run = Training(network, summed, rule, *data, batch_size=100, seed=0).run(150)
    return run.accuracy[-15:].mean()"""


def stored(folder, *sources, tags=()):
    """The path of a notebook with these cells, as this processor computes them."""
    cells = [nbformat.v4.new_code_cell(s, metadata={"tags": list(tags)}) for s in sources]
    notebook = build.executed(nbformat.v4.new_notebook(cells=cells), folder)
    nbformat.write(build.normalised(notebook), folder / "stored.ipynb")
    return folder / "stored.ipynb"


def test_a_nudged_kernel_moves_what_processors_round_differently_and_no_digit_of_a_steady_run(
    tmp_path,
):
    steady = RUN, 'print(f"{accuracy_at(0.003):.2f}")'
    path = stored(tmp_path, SETUP, *(f"print(np.any({what}))" for what in MOVED), *steady)
    notebook = lessons.read_notebook(path)
    for cell in notebook.cells[1 : 1 + len(MOVED)]:
        assert cell.outputs[0].text == "False\n", cell.source
        cell.outputs[0].text = "True\n"
    nbformat.write(notebook, path)
    assert portable.nudged(tmp_path, 0, os.environ)


def test_a_digit_of_a_chaotic_run_is_found(tmp_path):
    stored(tmp_path, SETUP, RUN, 'print(f"{accuracy_at(0.3):.4f}")')
    assert not portable.nudged(tmp_path, 0, os.environ)


def test_an_assertion_that_hangs_on_rounding_is_found_though_its_output_is_not_compared(tmp_path):
    total = "np.exp(0.1).item()"
    path = stored(tmp_path, "import numpy as np", f"print({total})", tags=["nbval-ignore-output"])
    assert portable.nudged(tmp_path, 0, os.environ)
    notebook = lessons.read_notebook(path)
    notebook.cells[1].source = f"assert {total} == {notebook.cells[1].outputs[0].text}"
    nbformat.write(notebook, path)
    assert not portable.nudged(tmp_path, 0, os.environ)


# -- on other processors -----------------------------------------------------------------------

PROBE = """
import json, numpy, threadpoolctl
from nnlib.data import load_mnist
pool = threadpoolctl.threadpool_info()[0]
found = numpy.show_config(mode="dicts")["SIMD Extensions"].get("found", [])
print(json.dumps([pool["architecture"], pool["num_threads"], found, load_mnist().bundled]))
"""


def computed_on(machine):
    """BLAS's processor and threads, NumPy's instruction sets and the data in such a process."""
    command = [sys.executable, "-c", PROBE]
    done = subprocess.run(command, env=machine.environment(), capture_output=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def test_a_machine_is_what_it_says():
    native = computed_on(Machine("native", "all", 1, "digits"))
    narrow = computed_on(Machine("Nehalem", "AVX2", 1, "digits"))
    other = computed_on(Machine("Prescott", "none", 2, "digits"))
    assert native[1:2] + native[3:] == [1, True]
    assert narrow[0] == "Nehalem"
    assert set(narrow[2]) == {s for s in native[2] if not s.startswith(("AVX512", "X86_V4"))}
    assert other[1:] == [min(2, os.cpu_count()), [], True]
    assert len({native[0], narrow[0], other[0]}) == 3


@pytest.mark.parametrize(
    ("machines", "settings"),
    [
        ([("new", "all", 1, "MNIST"), *WIDEST], [2, 2, 2, 2]),
        (list(every_pair()), [5, 3, 2, 2]),
    ],
    ids=["extremes", "all"],
)
def test_each_two_settings_meet_on_some_machine(machines, settings):
    old = {"Zen": "new", "Nehalem": "old", "Prescott": "old"} if len(machines) < 10 else {}
    rows = [(old.get(blas, blas), *rest) for blas, *rest in machines]
    assert [len(set(column)) for column in zip(*rows)] == settings
    for i, j in combinations(range(4), 2):
        assert len({(row[i], row[j]) for row in rows}) == settings[i] * settings[j]


# -- without what takes long -------------------------------------------------------------------


def test_a_short_copy_lacks_the_long_cells_and_is_compared(tmp_path, monkeypatch):
    (tmp_path / "notebooks").mkdir()
    monkeypatch.setattr(lessons, "NOTEBOOKS", tmp_path / "notebooks")
    path = stored(tmp_path / "notebooks", "a = 1", "a = 2", "print(a)")
    notebook = lessons.read_notebook(path)
    notebook.cells[1].metadata["tags"] = ["long"]
    notebook.cells[2].outputs[0].text = "1\n"
    nbformat.write(notebook, path)
    with portable.short_copies() as folder:
        (copy,) = folder.iterdir()
        assert [cell.source for cell in lessons.read_notebook(copy).cells] == ["a = 1", "print(a)"]
        assert portable.nbval(folder, os.environ)
    assert not folder.exists()
    assert not portable.nbval(lessons.NOTEBOOKS, os.environ)


@pytest.mark.parametrize(("arguments", "passes"), [([], 4), (["--all"], 15)])
def test_every_machine_has_a_pass_and_a_seed_and_one_that_fails_fails_all(
    arguments, passes, monkeypatch, capsys
):
    made, failing = [], Machine("Prescott", "none", 2, "MNIST").environment()
    nudged = lambda folder, seed, env, *options: made.append(seed) or env != failing
    monkeypatch.setattr(portable, "nudged", nudged)
    assert portable.main(arguments) == (arguments == [])
    assert made == list(range(passes))
    failed = "\nfailed: BLAS Prescott, NumPy's vectors none, threads 2, MNIST\n"
    assert (failed in capsys.readouterr().out) == (arguments == [])


@pytest.mark.slow
def test_every_notebook_prints_the_same_on_all_machines():
    assert portable.main(["--all"]) == 0


@pytest.mark.parametrize("arguments", [["--help"], ["05"], ["--all", "05"]])
def test_what_it_does_not_know_it_does_not_run(arguments, monkeypatch):
    monkeypatch.setattr(portable, "short_copies", lambda: 1 / 0)
    with pytest.raises(SystemExit, match=r"usage: .*\[--all\]"):
        portable.main(arguments)
