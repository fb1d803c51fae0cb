"""Losses of scores that lesson 03 holds beside cross-entropy: each the mean over the rows.

A row of one score stands for two classes, behind a sigmoid; a row of several is for softmax.
"""

from collections.abc import Callable

import numpy as np

from nnlib.blocks import log_softmax, rows, sigmoid, softmax
from nnlib.checks import Array, Pullback
from nnlib.contract import block
from nnlib.losses import binary_cross_entropy_with_logits


@block("z (..., c); target (..., c) -> L ()")
def sigmoid_squares(z: Array, *, target: Array) -> tuple[float, Pullback]:
    """Mean over the rows of ½ Σ (sigmoid(z) - target)²: least squares behind sigmoids.

    Pullback   dz = (p - target) p (1 - p) dL / rows, by the sigmoid's own.
    Source     D-ls, D-ls-vanish.

    >>> L, pullback = sigmoid_squares(np.array([0.0]), target=np.array([1.0]))
    >>> L, pullback(1.0)
    (0.125, array([-0.125]))
    """
    p, sigmoid_pullback = sigmoid(z)
    L, squares_pullback = score_squares(p, target=target)
    return L, lambda dL: sigmoid_pullback(squares_pullback(dL))


@block("z (..., c); target (..., c) -> L ()")
def softmax_squares(z: Array, *, target: Array) -> tuple[float, Pullback]:
    """Mean over the rows of ½ Σ (softmax(z) - target)².

    Pullback   softmax's own of (p - target) dL / rows.

    >>> L, pullback = softmax_squares(np.zeros((1, 2)), target=np.array([[0.0, 1.0]]))
    >>> L, pullback(1.0)
    (0.25, array([[ 0.25, -0.25]]))
    """
    p, softmax_pullback = softmax(z)
    L, squares_pullback = score_squares(p, target=target)
    return L, lambda dL: softmax_pullback(squares_pullback(dL))


@block("z (..., c); target (..., c) -> L ()")
def score_squares(z: Array, *, target: Array) -> tuple[float, Pullback]:
    """Mean over the rows of ½ Σ (z - target)²: least squares on the scores, as for a regression.

    Pullback   dz = (z - target) dL / rows.

    >>> L, pullback = score_squares(np.array([3.0]), target=np.array([1.0]))
    >>> L, pullback(1.0)
    (2.0, array([2.]))
    """
    residual, count = z - target, len(rows(z))
    L = float((residual * residual).sum()) / (2 * count)
    return L, lambda dL: (float(dL) / count) * residual


@block("z (..., c); target (..., c) -> L ()")
def hinge(z: Array, *, target: Array) -> tuple[float, Pullback]:
    """Mean over the rows of Σ target·max(0, 1 - z) + (1 - target)·max(0, 1 + z).

    There is nothing to pay beyond a margin of 1.

    Pullback   dz = ((1 - target)·[z > -1] - target·[z < 1]) dL / rows.

    >>> L, pullback = hinge(np.array([-3.0]), target=np.array([1.0]))
    >>> L, pullback(1.0)
    (4.0, array([-1.]))
    """
    losses = target * np.maximum(0, 1 - z) + (1 - target) * np.maximum(0, 1 + z)
    slopes, count = (1 - target) * (z > -1) - target * (z < 1), len(rows(z))
    return float(losses.sum()) / count, lambda dL: (float(dL) / count) * slopes


@block("z (..., c); target (..., c) -> L ()")
def pairwise_hinge(z: Array, *, target: Array) -> tuple[float, Pullback]:
    """Mean over the rows of Σ target_k Σ_{j≠k} max(0, 1 + z_j - z_k): each pair of classes a hinge.

    Pullback   every pair within its margin pushes j down and k up, by target_k dL / rows.

    >>> L, pullback = pairwise_hinge(np.array([[0.0, 3.0]]), target=np.array([[1.0, 0.0]]))
    >>> L, pullback(1.0)
    (4.0, array([[-1.,  1.]]))
    """
    gaps = 1 + z[..., None, :] - z[..., :, None]  # (..., k, j)
    within = (gaps > 0) & ~np.eye(z.shape[-1], dtype=bool)
    weight, count = target[..., :, None] * within, len(rows(z))
    slopes = weight.sum(axis=-2) - weight.sum(axis=-1)
    return float((weight * gaps).sum()) / count, lambda dL: (float(dL) / count) * slopes


@block("z (..., c); target (..., c) -> L ()")
def scores_cross_entropy(z: Array, *, target: Array) -> tuple[float, Pullback]:
    """Mean over the rows of -Σ target ln softmax(z), for targets that may be soft.

    Pullback   dz = (Σ target · p - target) dL / rows, by log_softmax's own.
    Source     A-3.5-def, B-ce-sumy.

    >>> L, pullback = scores_cross_entropy(np.zeros((1, 2)), target=np.array([[0.25, 0.75]]))
    >>> round(L, 4), pullback(1.0)
    (0.6931, array([[ 0.25, -0.25]]))
    """
    log_p, log_softmax_pullback = log_softmax(z)
    weight = -target / len(rows(z))
    return float((weight * log_p).sum()), lambda dL: log_softmax_pullback(float(dL) * weight)


ONE: dict[str, Callable] = {  # score
    "cross-entropy": binary_cross_entropy_with_logits,
    "squares": sigmoid_squares,
    "hinge": hinge,
    "plain squares": score_squares,
}
SEVERAL: dict[str, Callable] = {
    "cross-entropy": scores_cross_entropy,
    "squares": softmax_squares,
    "hinge": pairwise_hinge,
    "plain squares": score_squares,
}
