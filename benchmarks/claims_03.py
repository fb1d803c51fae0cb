"""The claim of lesson 03 that takes minutes: python -m benchmarks.claims_03

D-c6: least squares is not a good cost for classification.

Rules, written before the run. Networks with one hidden layer of 40 ReLU units; plain gradient
descent on batches of 100; the rate of each arm chosen from the same seven on validation images, for
each number of epochs by itself; the test images looked at once, for the rate chosen; five seeds,
the same first weights and batches for all arms. Spread is the largest value less the smallest over
the seeds, and a difference counts when it exceeds the larger of both spreads.

Supported on a data set, after so many epochs, if cross-entropy reads more of the unseen digits
rightly than least squares behind sigmoids. Expected: supported after 3 epochs, where the sure and
wrong have barely moved; not after 30; and reversed where two in five labels of the training images
are wrong, for then the loss that gives up on the sure and wrong gives up on the right ones.

From softmax to sigmoids the output changes besides the loss. Squares behind softmax change the loss
alone; that they are held against either was decided after the run, and so were the comparisons of
calibration and those seed by seed: what an arm has less what cross-entropy has with the same seed,
and the share of the seeds with which it has more.
"""

import contextlib
from itertools import product

import numpy as np

from nnlib.blocks import sigmoid, softmax
from nnlib.data import load_digits, load_mnist, one_hot, scale
from nnlib.experiments.calibration import reliability
from nnlib.experiments.score_losses import ONE, SEVERAL
from nnlib.experiments.stored import outcome, store
from nnlib.losses import softmax_cross_entropy
from nnlib.mlp import MLP
from nnlib.optimizers import GradientDescent
from nnlib.parameters import parameter_vector
from nnlib.training import Training

SEEDS = range(10, 15)
RATES = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0)
EPOCHS = (3, 30)
WRONG_LABELS = (0.0, 0.4)


def shares_of(scores):
    """The sigmoids of a row's scores as shares of their sum."""
    p = sigmoid(scores)[0]
    return p / p.sum(axis=-1, keepdims=True)


softmax_of = lambda scores: softmax(scores)[0]
ARMS = {  # the loss, and what its scores say in probabilities
    "cross-entropy": (softmax_cross_entropy, softmax_of),
    "squares behind softmax": (SEVERAL["squares"], softmax_of),
    "squares behind sigmoids": (ONE["squares"], shares_of),
    "plain squares": (SEVERAL["plain squares"], None),
}


def data_sets():
    """(name, training images and labels, those to choose the rate with, those to test) of each."""
    for name, found, white, train, valid in (
        ("digits", load_digits(), 16, 1200, 300),
        ("MNIST", load_mnist(), 255, 10_000, 2_000),
    ):
        if name == "MNIST" and found.bundled:
            raise SystemExit("claims_03: MNIST must be there: `make mnist` fetches it.")
        x, x_test = (
            scale(images, np.float64, white=white) for images in (found.x_train, found.x_test)
        )
        seen, chosen = slice(train), slice(train, train + valid)
        pairs = [(x[part], found.labels_train[part]) for part in (seen, chosen)]
        yield name, *pairs, (x_test, found.labels_test)


def spoiled(labels, share, seed):
    """Labels of which this share is replaced by one of the nine wrong ones."""
    rng = np.random.default_rng(seed)
    chosen = rng.random(len(labels)) < share
    return np.where(chosen, (labels + rng.integers(1, 10, len(labels))) % 10, labels)


def scores_after(arm, x, labels, *, lr, seed):
    """The network after 3 epochs, and after 30; one that diverges stays at its last good step."""
    loss, _ = ARMS[arm]
    model = MLP(x.shape[1], 40, 10, rng=seed, dtype="float64")
    theta, _ = parameter_vector(model)
    target = labels if loss is softmax_cross_entropy else one_hot(labels, 10)
    rule = GradientDescent(theta, lr)
    run = Training(model, loss, rule, x, target, batch_size=100, seed=seed)
    for epochs in EPOCHS:
        with contextlib.suppress(FloatingPointError):
            run.run(epochs * len(x) // 100 - run.steps)
        yield model, theta.copy()


def share_right(model, theta, x, labels):
    """How many images the network with these weights reads rightly."""
    parameter_vector(model)[0][:] = theta
    return np.mean(model(x)[0].argmax(axis=-1) == labels)


def compared(name, seen, chosen, unseen, wrong_labels):
    """Every arm at its best rate, after 3 and after 30 epochs, by itself and beside the first."""
    x, labels = seen
    setting = f"{name}, {wrong_labels:.0%} wrong labels"
    first = {}
    for arm, (_, probabilities) in ARMS.items():
        runs = {
            (lr, seed): list(
                scores_after(arm, x, spoiled(labels, wrong_labels, seed), lr=lr, seed=seed)
            )
            for lr, seed in product(RATES, SEEDS)
        }
        for k, epochs in enumerate(EPOCHS):
            valid = {
                lr: np.mean([share_right(*runs[lr, seed][k], *chosen) for seed in SEEDS])
                for lr in RATES
            }
            best = max(valid, key=valid.get)
            for what, values in tested([runs[best, s][k] for s in SEEDS], unseen, probabilities):
                measure = f"{what} after {epochs} epochs"
                rate = f", rate {best:g}" if what == "test accuracy" else ""
                yield outcome("D-c6", setting, arm, measure + rate, values)
                beside = np.subtract(values, first.setdefault(measure, values))
                if arm != "cross-entropy":
                    yield outcome("D-c6", setting, arm, f"{measure} less cross-entropy's", beside)
                    yield outcome("D-c6", setting, arm, f"{measure} above cross-entropy's",
                                  beside > 0)  # fmt: skip


def tested(networks, unseen, probabilities):
    """What the networks of all seeds make of the unseen images: a value for each seed."""
    yield "test accuracy", [share_right(*network, *unseen) for network in networks]
    if probabilities:
        found = []
        for model, theta in networks:
            parameter_vector(model)[0][:] = theta
            found.append(reliability(probabilities(model(unseen[0])[0]), unseen[1]))
        yield "mean -ln p", [one.surprise for one in found]
        yield "calibration gap", [one.gap for one in found]


def main():
    """Run all comparisons and store the table."""
    rows = []
    for (name, *parts), wrong_labels in product(data_sets(), WRONG_LABELS):
        for row in compared(name, *parts, wrong_labels):
            print(row, flush=True)
            rows.append(row)
    print(store("03_claims", rows))


if __name__ == "__main__":
    main()
