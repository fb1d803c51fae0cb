"""What lesson 05 says of its network on MNIST, in a few minutes: python -m benchmarks.mlp_05

Rules. 784-40-30-20-10, ReLU, batches of 100, five seeds: the seed of the first weights is that of
the batches, so arms are compared seed by seed. Rates are the usual ones, Adam's 0.001 and 0.03 for
gradient descent; none was chosen on the test images, which are read at the end, once. Spread is the
largest value less the smallest over the seeds.

Expected, from shorter trials. Pixels: raw ones cost Adam ten points. Bounds: √(3/n) costs nothing
in four layers after ten epochs, and all in twenty. Document C's network: no difference that holds
with every seed. Confused: 4 and 9, and 3 and 5, are among the first with every seed.
"""

from collections.abc import Callable, Iterator
from functools import cache
from itertools import combinations, permutations
from typing import Any

import numpy as np

from nnlib.blocks import standardize
from nnlib.data import load_mnist, scale
from nnlib.experiments.lesson_05 import bounded, confusion
from nnlib.experiments.stored import outcome, store
from nnlib.initializers import he_normal
from nnlib.losses import softmax_cross_entropy
from nnlib.mlp import MLP, TwoLayerNetwork
from nnlib.optimizers import Adam, GradientDescent
from nnlib.parameters import Model, parameter_vector
from nnlib.training import Training, accuracy

SEEDS, WIDTHS = range(5), (784, 40, 30, 20, 10)
DEEP = (784, *[40] * 19, 10)
BOUNDS = {"√(3/n)": bounded(3), "√(6/n)": bounded(6)}
FAR, EARLY = 6000, 600  # steps: ten epochs, one
Row = dict[str, Any]


@cache
def data(kind: str) -> tuple:
    """x, labels, x_test, labels_test: pixels "scaled" to 0 ... 1, "raw", "standardised", "rows"."""
    images = load_mnist()
    if images.bundled:
        raise FileNotFoundError("mlp_05: needs MNIST: `make mnist`, or set NNLIB_MNIST.")
    x, x_test = scale(images.x_train), scale(images.x_test)
    if kind == "raw":
        x, x_test = 255 * x, 255 * x_test
    if kind == "standardised":
        x, x_test = (standardize(part, axis=-1)[0] for part in (x, x_test))
    if kind == "rows":
        x, x_test = (part.reshape(-1, 28, 28) for part in (x, x_test))
    return x, images.labels_train, x_test, images.labels_test


def trained(model: Model, seed: int, steps: int, kind: str, rule: Callable) -> float:
    """The accuracy on the test images behind a run."""
    x, labels, x_test, labels_test = data(kind)
    optimizer = rule(parameter_vector(model)[0])
    run = Training(model, softmax_cross_entropy, optimizer, x, labels, batch_size=100, seed=seed)
    run.run(steps)
    return accuracy(model, x_test, labels_test)


def mlp(seed: int, steps: int, widths=WIDTHS, init=he_normal, kind="scaled", rule=Adam) -> float:
    """What the MLP reaches."""
    return trained(MLP(*widths, init=init, rng=seed), seed, steps, kind, rule)


def two_layers(seed: int) -> float:
    """What document C's network reaches in the same steps."""
    return trained(TwoLayerNetwork(28, 28, 16, 10, rng=seed), seed, EARLY, "rows", Adam)


def arms(claim: str, setting: str, runs: dict[str, Callable]) -> Iterator[Row]:
    """What each arm reaches with each seed, and with what share of these it is ahead."""
    found = {arm: [run(seed) for seed in SEEDS] for arm, run in runs.items()}
    for arm, reached in found.items():
        yield outcome(claim, setting, arm, "test accuracy", reached)
    for arm, other in permutations(found, 2):
        ahead = np.greater(found[arm], found[other])
        yield outcome(claim, setting, arm, f"share of seeds ahead of {other}", ahead)


def pixels() -> Iterator[Row]:
    """Pixels as they are stored, and scaled."""
    runs = {
        "0 to 255": lambda seed: mlp(seed, 3000, kind="raw"),
        "0 to 1": lambda seed: mlp(seed, 3000),
    }
    yield from arms("pixels", "Adam, 3000 steps", runs)


def bounds() -> Iterator[Row]:
    """Both bounds in E's four layers, and in twenty."""
    far = {name: lambda s, init=init: mlp(s, FAR, init=init) for name, init in BOUNDS.items()}
    yield from arms("bounds", "4 layers, Adam, 10 epochs", far)
    slow = {"rule": lambda theta: GradientDescent(theta, 0.03)}
    for widths in (WIDTHS, DEEP):
        early = {
            name: lambda s, init=init, widths=widths: mlp(s, EARLY, widths, init, **slow)
            for name, init in BOUNDS.items()
        }
        setting = f"{len(widths) - 1} layers, gradient descent, 600 steps"
        yield from arms("bounds", setting, early)


def document_c() -> Iterator[Row]:
    """Document C's network beside the MLP, whose input is scaled, or standardised as C's is."""
    runs = {
        "C": two_layers,
        "MLP": lambda seed: mlp(seed, EARLY),
        "MLP, standardised": lambda seed: mlp(seed, EARLY, kind="standardised"),
    }
    yield from arms("C", "Adam, 600 steps", runs)


def confused() -> Iterator[Row]:
    """How often each pair of digits is confused, either way, after ten epochs."""
    tables, pairs = [], list(combinations(range(10), 2))
    for seed in SEEDS:
        model = MLP(*WIDTHS, rng=seed)
        trained(model, seed, FAR, "scaled", Adam)
        table = confusion(model, *data("scaled")[2:], 10)
        tables.append([table[pair] + table[pair[::-1]] for pair in pairs])
    fourth = np.sort(tables, axis=1)[:, -4, None]
    for (one, other), counts, first in zip(pairs, np.transpose(tables), (tables >= fourth).T):
        about = "confused", "Adam, 10 epochs", f"{one} and {other}"
        yield outcome(*about, "test images", counts)
        yield outcome(*about, "share of seeds with it among the first four", first)


def main() -> None:
    """Make the table."""
    table = []
    for part in (pixels, bounds, document_c, confused):
        for row in part():
            table.append(row)
            print(*list(row.values())[:-1], sep=" | ", flush=True)
    store("05_runs", table)


if __name__ == "__main__":
    main()
