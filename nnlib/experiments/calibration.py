"""Whether a network that says 0.7 is right seven times in ten."""

from typing import NamedTuple

import numpy as np

from nnlib.checks import Array


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
