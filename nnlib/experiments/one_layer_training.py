"""Document C's one-layer encoder, trained on digits with the gradient that holds and with slips."""

from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from nnlib.checks import Array
from nnlib.data import load_digits, one_hot
from nnlib.documents.c_encoder_corrected import Backward
from nnlib.experiments.one_layer import ARMS
from nnlib.experiments.stored import stored
from nnlib.losses import softmax_cross_entropy
from nnlib.optimizers import Adam
from nnlib.parameters import parameter_vector
from nnlib.transformer import OneLayerEncoder


class Rows(NamedTuple):
    """Digits as tokens: a row of eight pixels and, one-hot, which of the eight rows it is."""

    x: Array
    y: Array
    labels: Array


TRAINED_ON = 1200  # of the 1,500 digits to train on; the others choose the rate
D, BATCH, STEPS = 16, 64, 300


@lru_cache(maxsize=1)
def rows_of_digits() -> tuple[Rows, Rows, Rows]:
    """Those to train on, those that choose the rate, and those of the test.

    >>> [rows.x.shape for rows in rows_of_digits()]
    [(1200, 8, 16), (300, 8, 16), (297, 8, 16)]
    """
    digits = load_digits()
    images = np.concatenate([digits.x_train, digits.x_test]) / 16
    labels = np.concatenate([digits.labels_train, digits.labels_test])
    which = np.broadcast_to(np.eye(8), images.shape)
    x, y = np.concatenate([images, which], axis=-1), one_hot(labels, 10)[:, None]
    ends = TRAINED_ON, len(digits.x_train)
    train, held_back, test = zip(*(np.split(a, ends) for a in (x, y, labels)))
    return Rows(*train), Rows(*held_back), Rows(*test)


def letters(model: OneLayerEncoder, arrays: str) -> dict[str, Array]:
    """A model's "params" or "grads" by the document's letters: views, with weights (in, out).

    >>> sorted(letters(OneLayerEncoder(7, 4, 6, 3, rng=0), "params"))
    ['W1', 'W2', 'Wk', 'Wq', 'Wv', 'cls']
    """
    _, embed, append, to_q, to_k, to_v, read = (getattr(part, arrays) for part in model.parts)
    of = {"W1": embed, "Wq": to_q, "Wk": to_k, "Wv": to_v, "W2": read}
    return {"cls": append["token"][None]} | {name: layer["W"].T for name, layer in of.items()}


class Curve(NamedTuple):
    """What a run reaches on images that it is not trained on, at steps 0, every, 2 every, ..."""

    accuracy: Array
    loss: Array


def trained(
    backward: type[Backward],
    rate: float,
    *,
    seed: int,
    steps: int = STEPS,
    every: int = STEPS,
    choosing: bool = False,
) -> Curve:
    """A run of Adam with these gradients; the loss is the mean of -ln p of the true class.

    The same seed has the same first weights and the same batches, whatever the gradients.

    choosing   on the images that choose the rate, rather than on those of the test.

    >>> trained(Backward, 0.01, seed=0, steps=2, every=1).accuracy.shape
    (3,)
    """
    train, held_back, test = rows_of_digits()
    seen = held_back if choosing else test
    model = OneLayerEncoder(16, 8, D, 10, scaled=True, rng=seed, dtype="float64")
    theta, grad = parameter_vector(model)
    net, gradients = letters(model, "params"), letters(model, "grads")
    optimizer, rng, reached = Adam(theta, rate), np.random.default_rng(seed), []
    for step in range(steps + 1):
        if step % every == 0:
            z, _ = model(seen.x)
            loss, _ = softmax_cross_entropy(z, labels=seen.labels)
            reached.append((np.mean(z.argmax(axis=-1) == seen.labels), loss))
        batch = rng.integers(len(train.x), size=BATCH)
        sample = {"X": train.x[batch], "y": train.y[batch]}
        found = backward(net | sample, 1 / np.sqrt(D), 1 / (10 * BATCH)).gradients()
        for name, value in found.items():
            gradients[name][...] = value
        optimizer.step(grad)
    return Curve(*np.transpose(reached))


class Arm(NamedTuple):
    """What came of training with a slip: the rate that was chosen, and the test accuracies.

    behind   with what share of the seeds the gradient that holds was the better.
    """

    rate: float
    accuracy: float
    spread: float
    behind: float


def trained_with_each() -> dict[str, Arm]:
    """The arms by their names; ``python -m benchmarks.slips_06`` trains them anew.

    >>> arms = trained_with_each()
    >>> list(arms)[:2], arms["what holds"].behind
    (['what holds', 'z for s'], 0.0)
    """
    rows = stored("06_slips")
    return {arm: arm_of([row for row in rows if row["arm"] == arm]) for arm in ARMS}


def arm_of(rows: list[dict[str, str]]) -> Arm:
    """An arm from its rows, of which the last two are those of the test."""
    *_, test, behind = rows
    rate = float(test["measure"].split()[-1])
    return Arm(rate, float(test["mean"]), float(test["spread"]), float(behind["mean"]))


# -- A vote ----------------------------------------------------------------------------------------

BALLOT = {
    "A": "tokens with query and residual",
    "B": "the key in every row",
    "C": "scores for probabilities",
    "D": "z for s",
    "E": "what holds",
}


def ballot(
    seeds: Iterable[int] = range(5), *, steps: int = STEPS, every: int = 30
) -> dict[str, Array]:
    """The accuracies of five arms, each at its own rate, by letters that do not give them away.

    Shapes   each (seeds, steps / every + 1)

    >>> curves = ballot([0], steps=2, every=1)
    >>> list(curves), curves["A"].shape
    (['A', 'B', 'C', 'D', 'E'], (1, 3))
    """
    arms = trained_with_each()
    curve = lambda name, seed: trained(
        ARMS[name], arms[name].rate, seed=seed, steps=steps, every=every
    )
    return {
        letter: np.stack([curve(name, seed).accuracy for seed in seeds])
        for letter, name in BALLOT.items()
    }
