"""Small training runs for the tests, in this process and in fresh ones."""

import os
import subprocess
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pytest

import nnlib
from nnlib.blocks import tanh
from nnlib.layers import Dropout, Layer, Linear, Sequential
from nnlib.losses import softmax_cross_entropy
from nnlib.optimizers import OPTIMIZERS, exponential_decay
from nnlib.parameters import parameter_vector
from nnlib.training import Training

HERE = Path(__file__).parent
RULES = {name: partial(rule, lr=0.02) for name, rule in OPTIMIZERS.items()}
each_rule = pytest.mark.parametrize("rule", RULES)

rng = np.random.default_rng(0)
X = rng.standard_normal((50, 6))
LABELS = (X @ rng.standard_normal((6, 3))).argmax(axis=1)
DROPOUT = 0.2
COMBINATIONS = [(rule, dropout) for rule in RULES for dropout in (0.0, DROPOUT)]
SCHEDULE = exponential_decay(0.02, factor=0.99)


def network(dtype="float64", dropout=0.0):
    """A small classifier."""
    first, last = Linear(6, 8, rng=1, dtype=dtype), Linear(8, 3, rng=2, dtype=dtype)
    between = [Layer(tanh), Dropout(dropout)] if dropout else [Layer(tanh)]
    return Sequential(first, *between, last)


def build(
    rule="Adam",
    dtype="float64",
    dropout=0.0,
    model=None,
    loss=softmax_cross_entropy,
    x=X,
    labels=LABELS,
    constants=None,
    **options,
):
    """A run with seven batches of at most eight in an epoch, the last of two."""
    model, constants = model or network(dtype, dropout), constants or {}
    optimizer = RULES[rule](parameter_vector(model)[0], **constants)
    options = {"batch_size": 8, "seed": 5} | options
    return Training(model, loss, optimizer, x, labels, **options)


def state_of(training):
    """All that a step may change, as bytes."""
    state = training.optimizer.state() | {"theta": training.theta, "steps": training.steps}
    return {name: np.asarray(value).tobytes() for name, value in state.items()}


def replayed(steps, **options):
    """The state of an untroubled run after so many steps."""
    training = build(**options)
    training.run(steps)
    return state_of(training)


def python(code, *arguments, **env):
    """Start a fresh Python that can import these tests."""
    paths = os.pathsep.join([str(HERE), str(Path(nnlib.__file__).parent.parent)])
    env = {"PYTHONPATH": paths, "OPENBLAS_NUM_THREADS": "1"} | env
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-c", code, *map(str, arguments)],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | env,
    )


def output_of(code, *arguments, **env):
    """What a fresh Python prints."""
    process = python(code, *arguments, **env)
    output, _ = process.communicate(timeout=120)
    assert process.returncode == 0
    return output
