"""Whether a network that says 0.7 is right seven times in ten."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from nnlib.blocks import softmax
from nnlib.checks import Array
from nnlib.data import load_digits, one_hot, scale
from nnlib.losses import keyword_of
from nnlib.mlp import MLP
from nnlib.optimizers import Adam
from nnlib.parameters import parameter_vector
from nnlib.training import Training


class Reliability(NamedTuple):
    """How sure a network is, beside how often it is right, in bins of how sure it says it is.

    said, right   the mean in each bin; nan where there is no image.
    share         of all images, in each bin.
    gap           the mean of |said - right| over the images: the expected calibration error.
    over          said less right over all images: positive where it is too sure.
    accuracy      how many are read rightly.
    surprise      the mean of -ln p of the true class.
    """

    said: Array
    right: Array
    share: Array
    gap: float
    over: float
    accuracy: float
    surprise: float


def reliability(p: Array, labels: Array, *, bins: int = 10) -> Reliability:
    """Compare the largest probability of each row with whether that class is the true one.

    Shapes   p (N, c), labels (N,)

    >>> found = reliability(np.array([[0.8, 0.2], [0.8, 0.2]]), np.array([0, 1]))
    >>> round(found.gap, 2), round(found.over, 2), found.accuracy
    (0.3, 0.3, 0.5)
    """
    sure, right = p.max(axis=-1), p.argmax(axis=-1) == labels
    bin_of = np.minimum((sure * bins).astype(int), bins - 1)
    counts = np.bincount(bin_of, minlength=bins)
    with np.errstate(invalid="ignore"):  # of 0 by 0, where there is no image
        said, correct = (np.bincount(bin_of, v, bins) / counts for v in (sure, right))
    share = counts / len(p)
    gap = float(np.nansum(share * np.abs(said - correct)))
    surprise = -np.log(np.maximum(p[np.arange(len(p)), labels], np.finfo(p.dtype).tiny)).mean()
    over = float(sure.mean() - right.mean())
    return Reliability(said, correct, share, gap, over, float(right.mean()), float(surprise))


def read_digits(
    loss: Callable, *, steps: Sequence[int], images: int = 300, lr: float = 0.01, seed: int = 0
) -> list[Reliability]:
    """Train a network on few of the bundled digits; its reliability on unseen ones at these steps.

    64-30-10, ReLU, float64, Adam, batches of 100.

    >>> from nnlib.losses import softmax_cross_entropy
    >>> early, late = read_digits(softmax_cross_entropy, steps=[5, 100])
    >>> late.accuracy > early.accuracy
    True
    """
    digits = load_digits()
    x, x_test = (scale(x, np.float64, white=16) for x in (digits.x_train[:images], digits.x_test))
    labels = digits.labels_train[:images]
    target = labels if keyword_of("read_digits", loss) == "labels" else one_hot(labels, 10)
    model = MLP(64, 30, 10, rng=seed, dtype="float64")
    rule = Adam(parameter_vector(model)[0], lr)
    run = Training(model, loss, rule, x, target, batch_size=100, seed=seed)
    found = []
    for step in steps:
        run.run(step - run.steps)
        found.append(reliability(softmax(model(x_test)[0])[0], digits.labels_test))
    return found
