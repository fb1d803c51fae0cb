"""What the contract of a block costs: microseconds a call, and a training step with and without."""

import statistics
from time import perf_counter
from unittest.mock import patch

import numpy as np

from nnlib import blocks, layers, losses
from nnlib.losses import softmax_cross_entropy
from nnlib.machine import one_blas_thread
from nnlib.mlp import MLP
from nnlib.optimizers import Adam
from nnlib.parameters import parameter_vector
from nnlib.training import Training

rng = np.random.default_rng(0)
X, W, B = rng.random((2, 3)), rng.random((4, 3)), rng.random(4)
CALLS = {
    "relu": (blocks.relu, (X,), {}),
    "linear": (blocks.linear, (X, W, B), {}),
    "softmax_cross_entropy": (losses.softmax_cross_entropy, (X,), {"labels": np.array([0, 2])}),
}


def least(call, *, calls=2000, rounds=20):
    """The microseconds of a call, the least over the rounds."""
    times = []
    for _ in range(rounds):
        start = perf_counter()
        for _ in range(calls):
            call()
        times.append((perf_counter() - start) / calls * 1e6)
    return min(times)


def forward_and_back(block, arrays, constants):
    """One call of a block and one of its pullback."""
    y, pullback = block(*arrays, **constants)
    dy = np.ones_like(y) if isinstance(y, np.ndarray) else 1.0

    def call():
        block(*arrays, **constants)
        pullback(dy)

    return call


def training():
    """Lesson 05's network on noise."""
    x, labels = rng.random((2000, 784), np.float32), rng.integers(10, size=2000)
    model = MLP(784, 40, 30, 20, 10, rng=0)
    optimizer = Adam(parameter_vector(model)[0])
    return Training(model, softmax_cross_entropy, optimizer, x, labels, batch_size=100, seed=0)


def unchecked():
    """The same, with the bare function of every block."""
    run = training()
    run.loss = run.loss.__wrapped__
    for layer in run.model.layers():
        layer.block = layer.block.__wrapped__
    return run


def without_contract(module, name):
    """Let a module use the bare function of a block."""
    return patch.object(module, name, getattr(blocks, name).__wrapped__)


def main():
    """Print what the checks cost."""
    print(f"{'µs of a call and its pullback':32}{'checked':>9}{'bare':>9}{'cost':>9}")
    for name, (block, arrays, constants) in CALLS.items():
        checked = least(forward_and_back(block, arrays, constants))
        bare = least(forward_and_back(block.__wrapped__, arrays, constants))
        print(f"{name:32}{checked:9.2f}{bare:9.2f}{checked - bare:9.2f}")
    checked, bare, times = training(), unchecked(), ([], [])
    with one_blas_thread():
        for _ in range(30):
            times[0].append(least(checked.step, calls=50, rounds=1))
            with (
                without_contract(layers, "linear_on_data"),
                without_contract(losses, "log_softmax"),
            ):
                times[1].append(least(bare.step, calls=50, rounds=1))
    for f in (min, statistics.median):
        a, b = map(f, times)
        print(f"{'a step of lesson 05, ' + f.__name__:32}{a:9.1f}{b:9.1f}{a - b:9.1f}")


if __name__ == "__main__":
    main()
