"""What lessons and panels measure: plain functions of their arguments, tested without a picture."""

from collections.abc import Callable
from typing import Any

import numpy as np

from nnlib.blocks import relu
from nnlib.checks import Array, Rng, generator, whole_number
from nnlib.initializers import he_normal
from nnlib.layers import Model, objective, parameter_vector
from nnlib.mlp import MLP
from nnlib.training import Record, Training, accuracy, one_blas_thread


def signal(
    init: Callable = he_normal,
    *,
    depth: int = 20,
    width: int = 256,
    activation: Callable = relu,
    samples: int = 200,
    rng: Rng | int,
) -> Array:
    """The mean square of the activations behind 0, 1, ..., depth layers, where the input's is 1.

    Shapes   -> (depth + 1,)
    Source   E-he-u, E-xavier-n: a wrong constant shows after a few layers.

    >>> signal(depth=2, width=8, rng=0).shape
    (3,)
    """
    depth = whole_number("signal", "depth", depth, low=1)
    rng = generator("signal", "rng", rng)
    network = MLP(
        *[width] * (depth + 1), activation=activation, init=init, rng=rng, dtype="float64"
    )
    x = rng.standard_normal((samples, width))
    activations = [x, *network.values(x)[1::2], activation(network.values(x)[-1])[0]]
    return np.array([np.mean(a * a) for a in activations]) / np.mean(x * x)


def gradient_noise(
    model: Model,
    loss: Callable,
    x: Array,
    labels: Array,
    sizes: list[int],
    *,
    draws: int,
    rng: Rng | int,
) -> Array:
    """How far the gradient of a random batch lies from the gradient of all rows, for each batch size.

    The root of the mean squared distance over the draws, relative to the length of the whole gradient; rows are
    drawn with replacement, so that it falls exactly as 1/√size.

    Shapes   x (N, ...), labels (N,), sizes (k,) -> (k,)
    Source   D-bp-avg; D-c9.

    >>> from nnlib.losses import softmax_cross_entropy
    >>> x, labels = np.eye(4), np.array([0, 1, 0, 1])
    >>> noise = gradient_noise(MLP(4, 2, rng=0, dtype="float64"), softmax_cross_entropy, x, labels, [1, 100],
    ...                        draws=50, rng=0)
    >>> bool(5 < noise[0] / noise[1] < 20)
    True
    """
    rng, (theta, _) = generator("gradient_noise", "rng", rng), parameter_vector(model)

    def gradient(rows: Any) -> Array:
        _, pullback = objective(model, loss, x[rows], labels=labels[rows])(theta)
        return pullback(1.0)

    whole = gradient(slice(None))
    distances = [
        [np.linalg.norm(gradient(rng.integers(len(x), size=size)) - whole) for _ in range(draws)]
        for size in sizes
    ]
    return np.sqrt(np.mean(np.square(distances), axis=1)) / np.linalg.norm(whole)


def confusion(model: Model, x: Array, labels: Array, classes: int) -> Array:
    """How often each class (row) was read as each class (column).

    Shapes   x (N, ...), labels (N,) -> (classes, classes) of counts

    >>> model = MLP(2, 2, init=lambda shape, rng: np.eye(2), rng=0, dtype="float64")
    >>> confusion(model, np.eye(2)[[0, 0, 1]], np.array([0, 1, 1]), 2)
    array([[1, 0],
           [1, 1]])
    """
    z, _ = model(x)
    return np.bincount(classes * labels + z.argmax(axis=-1), minlength=classes**2).reshape(
        classes, classes
    )


class WatchedRun:
    """A training run with its accuracy on unseen images after every so many steps.

    ``upto(steps)`` goes on from where the run stands; one that diverges ends there and says why in ``ended``.

    >>> from nnlib.losses import softmax_cross_entropy
    >>> from nnlib.optimizers import GradientDescent
    >>> model, x, labels = MLP(2, 2, rng=0), np.eye(2, dtype=np.float32), np.array([0, 1])
    >>> optimizer = GradientDescent(parameter_vector(model)[0], lr=1.0)
    >>> training = Training(model, softmax_cross_entropy, optimizer, x, labels, batch_size=2, seed=0)
    >>> run = WatchedRun(training, x, labels, every=10).upto(25)
    >>> len(run.records), run.tested_at, run.test_accuracy[-1], run.ended
    (25, [0, 10, 20], 1.0, '')
    """

    def __init__(
        self, training: Training, x_test: Array, labels_test: Array, *, every: int
    ) -> None:
        self.training, self.x_test, self.labels_test = training, x_test, labels_test
        self.every = whole_number("WatchedRun", "every", every, low=1)
        self.records: list[Record] = []
        self.tested_at, self.test_accuracy, self.ended = [0], [self.accuracy()], ""

    def accuracy(self) -> float:
        """The share of unseen images read rightly as the model now stands."""
        return accuracy(self.training.model, self.x_test, self.labels_test)

    def upto(self, steps: int) -> "WatchedRun":
        """Train on until so many steps are done in all, or until the run diverges."""
        with one_blas_thread():
            while len(self.records) < steps and not self.ended:
                try:
                    self.records.append(self.training.step())
                except FloatingPointError as error:
                    self.ended = str(error)
                if len(self.records) % self.every == 0 and not self.ended:
                    self.tested_at.append(len(self.records))
                    self.test_accuracy.append(self.accuracy())
        return self
