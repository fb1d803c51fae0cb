"""Training runs that are watched: their losses, and their accuracy on unseen images on the way."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from nnlib.checks import Array, whole_number
from nnlib.history import Record
from nnlib.machine import one_blas_thread
from nnlib.training import Training, accuracy


def block_means(values: Any, size: int) -> tuple[Array, Array]:
    """The mean of every ``size`` values in turn, and how many values there are up to its last one.

    Shapes   values (N,) -> (blocks,), (blocks,)

    >>> block_means([3.0, 1.0, 5.0], 2)
    (array([2, 3]), array([2., 5.]))
    """
    starts = np.arange(0, len(values), whole_number("block_means", "size", size, low=1))
    ends = np.minimum(starts + size, len(values))
    return ends, np.array([np.mean(values[start:end]) for start, end in zip(starts, ends)])


class Curves(NamedTuple):
    """What a run has shown: each batch's loss, means of these, the accuracy on unseen images.

    >>> Curves(np.array([2.5, 2.1]), np.array([2]), np.array([2.3]), [0], [0.1], False).tested_at
    [0]
    """

    losses: Array
    mean_at: Array
    mean_loss: Array
    tested_at: Sequence[int]
    test_accuracy: Sequence[float]
    diverged: bool


class WatchedRun:
    """A training run with its accuracy on unseen images after every so many steps.

    ``upto(steps)`` goes on from where the run stands; one that diverges ends there and says why in
    ``ended``.

    >>> from nnlib.losses import softmax_cross_entropy
    >>> from nnlib.mlp import MLP
    >>> from nnlib.optimizers import GradientDescent
    >>> from nnlib.parameters import parameter_vector
    >>> model, x, labels = MLP(2, 2, rng=0), np.eye(2, dtype=np.float32), np.array([0, 1])
    >>> rule, loss = GradientDescent(parameter_vector(model)[0], lr=1.0), softmax_cross_entropy
    >>> training = Training(model, loss, rule, x, labels, batch_size=2, seed=0)
    >>> run = WatchedRun(training, x, labels, every=10).upto(25)
    >>> len(run.records), run.tested_at, run.test_accuracy[-1], run.ended
    (25, [0, 10, 20], 1.0, '')
    >>> len(run.curves(12).losses), run.curves(12).tested_at
    (12, [0, 10])
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
        """Train on until so many steps are done in all, or until the run diverges.

        After an interrupt it can be called again: whether a step is done, the training knows.
        """
        with one_blas_thread():
            while not self.ended:
                done = self.training.steps
                try:
                    if done % self.every == 0 and done > self.tested_at[-1]:
                        right = [*self.test_accuracy, self.accuracy()]
                        self.tested_at, self.test_accuracy = [*self.tested_at, done], right
                    if done >= steps:
                        break
                    self.records.append(self.training.step())
                except FloatingPointError as error:
                    self.ended = str(error).partition(": ")[2]
        return self

    def curves(self, steps: int, *, block: int = 20) -> Curves:
        """What there is to see of the first so many steps, with the mean loss of each block."""
        losses = np.array([record.loss for record in self.records if record.step <= steps])
        tested = sum(k <= steps for k in self.tested_at)
        accuracies = self.tested_at[:tested], self.test_accuracy[:tested]
        diverged = bool(self.ended) and len(losses) == len(self.records)
        return Curves(losses, *block_means(losses, block), *accuracies, diverged)
