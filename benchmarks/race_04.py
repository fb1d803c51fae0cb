"""The race of lesson 04 on MNIST, which takes minutes: python -m benchmarks.race_04

Rules. Every arm tries the same rates with the same budget: as many gradients, from the same first
weights, of the same batches. Its rate is the one with the best mean accuracy on 5,000 images that
were held back for that; only at that rate it is asked for the 10,000 test images, once. Spread is
the largest value less the smallest over the seeds. A seed gives all arms the same first weights and
batches, so arms are compared seed by seed: one is ahead of another when it is with every seed. A
run that diverges stays at its last good step and counts as that.

Expected before the first run: at their best rates the rules lie close together, within a few
spreads, momentum and Adam ahead; the rates at which they do differ by a factor of hundreds; what is
a matter of convention (where momentum has its rate, where ε sits, the correction after a thousand
steps) lies within the spread, once each has its own best rate.
"""

import contextlib
from concurrent.futures import Executor, ProcessPoolExecutor
from functools import lru_cache
from itertools import permutations

import numpy as np

from nnlib.data import load_mnist
from nnlib.experiments.race import Runner, runner
from nnlib.experiments.stored import outcome, store
from nnlib.losses import softmax_cross_entropy
from nnlib.machine import one_blas_thread
from nnlib.mlp import MLP
from nnlib.optimizers import OPTIMIZERS
from nnlib.parameters import parameter_vector
from nnlib.sweeps import Swept, sweep
from nnlib.training import Training, accuracy

WIDTHS, BATCH, STEPS, BLOCK = (784, 40, 30, 20, 10), 100, 1000, 100
SEEDS = range(5)
RATES = (1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 0.1, 0.3, 1.0, 3.0)
HELD_BACK = 12  # one image of so many chooses the rate; drawn, since every second one is harder
ARMS = {rule: runner(rule, 1.0) for rule in OPTIMIZERS} | {
    "Momentum, running mean": runner("Momentum", 1.0, form="ema"),
    "Momentum, Nesterov": runner("Momentum", 1.0, nesterov=True),
    "Adam, uncorrected": runner("Adam", 1.0, bias_correction=False),
    "Adam, ε inside": runner("Adam", 1.0, eps_inside=True),
}


@lru_cache(maxsize=1)
def images():
    """Inputs and labels to train on, to choose the rate with, and of the test."""
    found = load_mnist()
    x, x_test = (a.astype(np.float32) / 255 for a in (found.x_train, found.x_test))
    x, x_test = x.reshape(len(x), -1), x_test.reshape(len(x_test), -1)
    held = np.random.default_rng(0).permutation(len(x)) < len(x) // HELD_BACK
    labels = found.labels_train
    return (x[~held], labels[~held]), (x[held], labels[held]), (x_test, found.labels_test)


def train(arm: str, lr: float, seed: int) -> tuple[float, np.ndarray, np.ndarray]:
    """One run: its accuracy on the images held back, its losses by blocks of steps, its weights."""
    (x, labels), held, _ = images()
    model = MLP(*WIDTHS, rng=seed)
    theta, _ = parameter_vector(model)
    who: Runner = ARMS[arm]._replace(lr=lr)
    training = Training(
        model, softmax_cross_entropy, who.on(theta), x, labels, batch_size=BATCH, seed=seed
    )
    losses = np.full(STEPS, np.nan)
    with one_blas_thread(), contextlib.suppress(FloatingPointError):
        for step in range(STEPS):
            losses[step] = training.step().loss
    return accuracy(model, *held), losses.reshape(-1, BLOCK).mean(axis=1), theta.copy()


def tested(theta: np.ndarray) -> float:
    """The accuracy of these weights on the test images."""
    model = MLP(*WIDTHS, rng=0)
    parameter_vector(model)[0][:] = theta
    return accuracy(model, *images()[2])


def rows(found: list[Swept]):
    """The table: for every arm what was tried, the rate chosen, its losses and its test."""
    (x, _), (x_held, _), _ = images()
    setting = f"{len(x)} images, {len(x_held)} to choose the rate, {STEPS} steps of {BATCH}"
    tests = {}
    for arm in ARMS:
        tries = {
            lr: [one.result for one in found if one.settings == {"arm": arm, "lr": lr}]
            for lr in RATES
        }
        valid = {lr: [result[0] for result in results] for lr, results in tries.items()}
        for lr, values in valid.items():
            yield outcome("race", setting, arm, f"accuracy on those held back, rate {lr:g}", values)
        best = max(valid, key=lambda lr: np.mean(valid[lr]))
        for k, losses in enumerate(np.transpose([result[1] for result in tries[best]])):
            measure = f"training loss at its best rate, steps {BLOCK * k + 1} to {BLOCK * (k + 1)}"
            yield outcome("race", setting, arm, measure, losses)
        accuracies = [tested(result[2]) for result in tries[best]]
        yield outcome("race", setting, arm, f"test accuracy, best rate {best:g}", accuracies)
        tests[arm] = accuracies
    for arm, other in permutations(tests, 2):
        ahead = np.greater(tests[arm], tests[other])
        yield outcome("race", setting, arm, f"share of seeds ahead of {other}", ahead)


def main(executor: Executor | None = None):
    """Run all and write the table."""
    grid = {"arm": list(ARMS), "lr": RATES}
    table = []
    for row in rows(sweep(train, grid, seeds=SEEDS, executor=executor)):
        table.append(row)
        print(*list(row.values())[2:-1], sep=" | ", flush=True)
    store("04_race", table)


if __name__ == "__main__":
    with ProcessPoolExecutor() as pool:
        main(pool)
