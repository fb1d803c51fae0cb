"""What lesson 05 says of its network on MNIST, in a few minutes: python -m benchmarks.mlp_05

Rules. 784-40-30-20-10, ReLU, batches of 100, five seeds: the seed of the first weights is that of
the batches, so arms are compared seed by seed. Rates are the usual ones, Adam's 0.001 and 0.03 for
gradient descent; none was chosen on the test images, which are read at the end, once. Spread is the
largest value less the smallest over the seeds.

Expected, from shorter trials. Pixels: raw ones cost Adam ten points. Bounds: √(3/n) costs nothing
in four layers after ten epochs; in twenty, all with gradient descent, some points with Adam.
Document C's network: no difference that holds with every seed. Confused: 4 and 9, and 3 and 5, are
among the first with every seed. On the bundled digits, the slip: one hidden layer forgets again
when it goes on, three learn little at any rate. Noise: single images disagree, a hundred point
downhill at first, and most of them do after 300 steps.
"""

from collections.abc import Callable, Iterator
from functools import cache
from itertools import combinations, permutations
from typing import Any

import numpy as np

from nnlib.blocks import standardize
from nnlib.data import enlarged, load_digits, load_mnist, scale
from nnlib.experiments.lesson_05 import HIDDEN, bounded, confusion, learned
from nnlib.experiments.stored import outcome, store
from nnlib.initializers import he_normal
from nnlib.losses import softmax_cross_entropy
from nnlib.mlp import MLP, TwoLayerNetwork
from nnlib.optimizers import Adam, GradientDescent
from nnlib.parameters import Model, objective, parameter_vector
from nnlib.training import Training, accuracy

SEEDS, WIDTHS = range(5), (784, 40, 30, 20, 10)
DEEP = (784, *[40] * 19, 10)
BOUNDS = {"√(3/n)": bounded(3), "√(6/n)": bounded(6)}
FAR, EARLY = 6000, 600  # steps: ten epochs, one
SLIP_RATES, DRAWS = (0.03, 0.1, 0.3, 1.0, 3.0), 80
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
    deep = {name: lambda s, init=init: mlp(s, EARLY, DEEP, init) for name, init in BOUNDS.items()}
    yield from arms("bounds", "20 layers, Adam, 600 steps", deep)


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


def slip() -> Iterator[Row]:
    """Network A and B: one hidden layer, ten times as long; E's three, at each rate."""
    one, three = (64, 30, 10), (64, 40, 30, 20, 10)
    trials = [("1 hidden layer", one, 4500, SLIP_RATES[0])]
    trials += [("3 hidden layers", three, 1500, rate) for rate in SLIP_RATES]
    for name, widths, steps, rate in trials:
        options = {"widths": widths, "steps": steps, "every": steps}
        runs = {
            arm: lambda s, hidden=hidden, rate=rate, options=options: learned(
                hidden, rate, seed=s, **options
            ).unseen[-1]
            for arm, hidden in HIDDEN.items()
        }
        yield from arms("slip", f"{name}, {steps} steps at {rate}", runs)


def against_all(model: Model, size: int) -> tuple[float, float, float]:
    """Of batches' gradients: their distance from that of all images, its length, how many agree.

    They agree where a small step down the one leads down the other: the product is positive.
    """
    digits, theta = load_digits(), parameter_vector(model)[0]
    x, rng = scale(enlarged(digits.x_train), np.float64), np.random.default_rng(1)

    def gradient(rows: Any) -> Any:
        labels = digits.labels_train[rows]
        return objective(model, softmax_cross_entropy, x[rows], labels=labels)(theta)[1](1.0).copy()

    whole = gradient(slice(None))
    drawn = np.array([gradient(rng.integers(len(x), size=size)) for _ in range(DRAWS)])
    distance = np.sqrt(np.mean(np.sum((drawn - whole) ** 2, axis=1)))
    return float(distance), float(np.linalg.norm(whole)), float(np.mean(drawn @ whole > 0))


def noise() -> Iterator[Row]:
    """One image and a hundred against all of the bundled ones, at random weights and later."""
    digits = load_digits()
    data = scale(enlarged(digits.x_train), np.float64), digits.labels_train
    for arm, steps in {"random weights": 0, "after 300 steps": 300}.items():
        models = [MLP(*WIDTHS, rng=seed, dtype="float64") for seed in SEEDS]
        for seed, model in zip(SEEDS, models):
            rule = GradientDescent(parameter_vector(model)[0], 0.1)
            Training(model, softmax_cross_entropy, rule, *data, batch_size=100, seed=seed).run(
                steps
            )
        for size in 1, 100:
            distances, lengths, agree = np.transpose([against_all(m, size) for m in models])
            about = "noise", f"batches of {size}", arm
            yield outcome(*about, "distance", distances)
            yield outcome(*about, "length of the whole", lengths)
            yield outcome(*about, "distance / length", distances / lengths)
            yield outcome(*about, "share of batches that point downhill", agree)


def main() -> None:
    """Make the table."""
    table = []
    for part in (pixels, bounds, document_c, confused, slip, noise):
        for row in part():
            table.append(row)
            print(*list(row.values())[:-1], sep=" | ", flush=True)
    store("05_runs", table)


if __name__ == "__main__":
    main()
