"""Losses: blocks whose value is one number, the mean over the batch. The target is a constant.

Other blocks hand NaN on; a loss refuses it, for nothing behind a loss would notice.
"""

import inspect
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from nnlib.arrays import rows
from nnlib.blocks import log_softmax
from nnlib.checks import Array, Pullback, Shape, all_finite, boolean, class_numbers
from nnlib.contract import block


@block("prediction (...); target (...) -> L ()")
def mse(prediction: Array, *, target: Array) -> tuple[float, Pullback]:
    """Mean squared error over all n entries: L = (1/n) Σ (prediction - target)².

    Pullback   dprediction = (2/n) (prediction - target) dL.
    Errors     ValueError for shapes that differ (nothing is broadcast) or are empty, and for NaN or
               infinity in either.
    Source     A-3.6-def, A-3.6-grad; X-mse has the other scalings.

    >>> L, pullback = mse(np.array([1.0, 2.0]), target=np.array([1.0, 4.0]))
    >>> L, pullback(1.0)
    (2.0, array([ 0., -2.]))
    """
    not_empty("mse", "prediction", prediction)
    target = of_type("mse", target, prediction)
    all_finite("mse", "target", target)
    residual = prediction - target

    def pullback(dL: float) -> Array:
        return (2 * float(dL) / residual.size) * residual

    return loss_of("mse", "prediction", prediction, np.mean(residual * residual)), pullback


@block("p (...); target (...) -> L ()")
def binary_cross_entropy(p: Array, *, target: Array) -> tuple[float, Pullback]:
    """Mean of -[target ln p + (1 - target) ln(1 - p)] over all n entries.

    Pullback   dp = (p - target) / (p (1 - p)) dL / n.
    Errors     ValueError for a p or target outside [0, 1], and where the loss is infinite: p is 0
               and target is not, or p is 1 and target is not.
    Source     D-bce, D-bce-range, E-bce, E-bce-d4.

    >>> L, pullback = binary_cross_entropy(np.array([0.5]), target=np.array([1.0]))
    >>> round(L, 4), pullback(1.0)
    (0.6931, array([-2.]))
    """
    where = "binary_cross_entropy"
    not_empty(where, "p", p)
    target = of_type(where, target, p)
    within_unit(where, "target", target, "")
    within_unit(where, "p", p, "Are these logits? Use binary_cross_entropy_with_logits.")
    infinite = ((p == 0) & (target > 0)) | ((p == 1) & (target < 1))
    refuse_infinite(where, p, infinite, "binary_cross_entropy_with_logits")
    certain = (p == 0) | (p == 1)  # p equals target: the loss is 0, and 0 ln 0 is not computed
    inner = np.where(certain, 0.5, p)
    losses = -(target * np.log(inner) + (1 - target) * np.log1p(-inner))

    def pullback(dL: float) -> Array:
        slopes = np.where(certain, 1 - 2 * p, (inner - target) / (inner * (1 - inner)))
        return (float(dL) / p.size) * slopes

    return float(np.mean(np.where(certain, 0, losses))), pullback


@block("z (...); target (...) -> L ()")
def binary_cross_entropy_with_logits(z: Array, *, target: Array) -> tuple[float, Pullback]:
    """Binary cross-entropy of sigmoid(z), from the scores.

    L = mean of max(z, 0) - z target + ln(1 + exp(-|z|)), its first two terms as one product.

    Pullback   dz = (sigmoid(z) - target) dL / n.
    Errors     ValueError for a target outside [0, 1] or of another shape, and for NaN or infinity
               in z.
    Source     D-bce-logit; N-bce-logit.

    >>> z, target = np.array([0.0, 1e4]), np.array([1.0, 1.0])
    >>> L, pullback = binary_cross_entropy_with_logits(z, target=target)
    >>> round(L, 4), pullback(1.0)
    (0.3466, array([-0.25,  0.  ]))
    """
    where = "binary_cross_entropy_with_logits"
    not_empty(where, "z", z)
    target = of_type(where, target, z)
    within_unit(where, "target", target, "")
    e = np.exp(-np.abs(z))

    def pullback(dL: float) -> Array:
        return (float(dL) / z.size) * (np.where(z >= 0, 1, e) / (1 + e) - target)

    wrong = np.where(z >= 0, 1 - target, target)  # the share of the class that z speaks against
    with np.errstate(invalid="ignore"):  # of infinity times 0
        L = np.mean(np.abs(z) * wrong + np.log1p(e))
    return loss_of(where, "z", z, L), pullback


@block("p (..., c); target (..., c) -> L ()")
def cross_entropy(p: Array, *, target: Array) -> tuple[float, Pullback]:
    """Mean over the rows of -Σ target ln p, for probabilities p.

    Pullback   dp = -target / p dL / rows.
    Errors     ValueError for rows of p that do not sum to 1, a target outside [0, 1], or an
               infinite loss (p is 0 where target is not).
    Source     A-3.5-def, A-3.5-grad, E-cce; E-cce-d corrected.

    >>> p, target = np.array([[0.1, 0.3, 0.5, 0.1]]), np.array([[0.0, 1.0, 0.0, 0.0]])
    >>> L, pullback = cross_entropy(p, target=target)
    >>> round(L, 7)
    1.2039728
    """
    where = "cross_entropy"
    not_empty(where, "p", p)
    target = of_type(where, target, p)
    within_unit(where, "target", target, "")
    within_unit(where, "p", p, "Are these logits? Use softmax_cross_entropy.")
    sums = p.sum(axis=-1)
    if np.abs(sums - 1).max() > 1e-3:
        worst = float(sums.flat[np.abs(sums - 1).argmax()])
        raise ValueError(
            f"{where}: rows of p must sum to 1 within 1e-3; found {worst:.4g}. Are these logits?"
        )
    refuse_infinite(where, p, (p == 0) & (target > 0), "softmax_cross_entropy")
    number_of_rows, positive = p.size // p.shape[-1], np.where(p == 0, 1, p)

    def pullback(dL: float) -> Array:
        return (-float(dL) / number_of_rows) * target / positive

    return 0.0 - float((target * np.log(positive)).sum() / number_of_rows), pullback  # never -0.0


@block("z (..., c); labels (...) -> L ()")
def softmax_cross_entropy(
    z: Array, *, labels: Array, keep: Array | None = None
) -> tuple[float, Pullback]:
    """Mean over the rows of -ln softmax(z)[label], from the scores z.

    keep is boolean, of labels' shape: the mean is over the rows where it is True. Of the others,
    as of padding, neither scores nor labels are looked at, and their gradient is exactly 0.

    Probabilities given as z cannot be told from scores: give the scores.

    Pullback   dz = (softmax(z) - onehot(labels)) dL / rows,  0 for the rows left out.
    Errors     TypeError for labels that are not integers or a keep that is not boolean; ValueError
               for labels outside 0..c-1 or of another shape, for scores that are NaN or infinite (a
               score of -inf, for a class that is no label, has probability 0), and for a keep of
               another shape or without a row to keep.
    Source     B-ce-lse-c, B-ce-d; N-softmax-ce.

    >>> L, pullback = softmax_cross_entropy(np.zeros((2, 4)), labels=np.array([0, 3]))
    >>> round(L, 6), pullback(1.0)[0]
    (1.386294, array([-0.375,  0.125,  0.125,  0.125]))
    >>> z, labels, keep = np.zeros((2, 4)), np.array([0, -1]), np.array([True, False])
    >>> L, pullback = softmax_cross_entropy(z, labels=labels, keep=keep)
    >>> round(L, 6), pullback(1.0)
    (1.386294, array([[-0.75,  0.25,  0.25,  0.25],
           [ 0.  ,  0.  ,  0.  ,  0.  ]]))
    """
    where = "softmax_cross_entropy"
    not_empty(where, "z", z)
    kept = positions(where, keep, labels.shape)
    class_numbers(where, "labels", alone(labels, kept), z.shape[-1])
    with np.errstate(invalid="ignore"):  # of infinity less infinity
        log_p = rows(log_softmax(z[kept])[0])
    true_class = np.arange(len(log_p)), labels[kept].reshape(-1)

    def pullback(dL: float) -> Array:
        dz = np.exp(log_p)
        dz[true_class] -= 1
        dz *= float(dL) / len(dz)
        return placed(dz, kept, z.shape)

    L = 0.0 - float(log_p[true_class].sum()) / len(log_p)  # never -0.0
    return loss_of(where, "z", z, L, kept), pullback


def positions(where: str, keep: Any, shape: Shape) -> Any:
    """The index of the positions that keep leaves in: of all (...) where there is no keep.

    >>> positions("softmax_cross_entropy", np.array([False, False]), (2,))
    Traceback (most recent call last):
    ...
    ValueError: softmax_cross_entropy: keep must keep a position; got False at all (2,).
    """
    if keep is None:
        return ...
    boolean(where, "keep", keep)
    if keep.shape != shape:
        raise ValueError(f"{where}: keep must have shape {shape} as labels; got {keep.shape}.")
    if not keep.any():
        raise ValueError(f"{where}: keep must keep a position; got False at all {shape}.")
    return keep


def placed(values: Array, kept: Any, shape: Shape) -> Array:
    """An array of this shape with the values at the positions kept, and zeros elsewhere.

    >>> placed(np.array([5, 7]), np.array([True, False, True]), (3,))
    array([5, 0, 7])
    """
    if kept is ...:
        return values.reshape(shape)
    a = np.zeros(shape, values.dtype)
    a[kept] = values
    return a


def alone(a: Array, kept: Any) -> Array:
    """An array with zeros for what is left out, so that no error is about that."""
    return a if kept is ... else placed(a[kept], kept, a.shape)


def loss_of(where: str, name: str, prediction: Array, L: float, kept: Any = ...) -> float:
    """The loss as a float; where it is not finite, a prediction that is not is to blame.

    >>> loss_of("mse", "prediction", np.array([1.0, np.nan]), np.nan)
    Traceback (most recent call last):
    ...
    ValueError: mse: prediction contains NaN: first at [1], 1 in all.
    """
    if not math.isfinite(L):
        all_finite(where, name, alone(prediction, kept))
    return float(L)


def not_empty(where: str, name: str, x: Array) -> None:
    """The mean of nothing is no number."""
    if not x.size:
        raise ValueError(f"{where}: {name} must have at least one entry; got shape {x.shape}.")


def of_type(where: str, target: Array, like: Array) -> Array:
    """The target, when it is numbers, in the type of the prediction."""
    if target.dtype.kind not in "fiub":
        raise TypeError(f"{where}: target must be a float array; got {target.dtype}.")
    if target.dtype.kind == "f" and target.dtype.char != like.dtype.char:
        raise TypeError(
            f"{where}: target must be {like.dtype} as the prediction; "
            f"got {target.dtype}. Use astype."
        )
    return target.astype(like.dtype, copy=False)


def within_unit(where: str, name: str, x: Array, advice: str) -> None:
    """Refuse what cannot be a probability, NaN included."""
    if not (x.min() >= 0 and x.max() <= 1):
        outside = float(x[~((x >= 0) & (x <= 1))].flat[0])
        message = f"{where}: {name} must lie in [0, 1]; got {outside:.6g}. {advice}"
        raise ValueError(message.rstrip())


def refuse_infinite(where: str, p: Array, infinite: Array, better: str) -> None:
    """An infinite loss has no gradient: name its entry, and the loss that is never infinite."""
    if infinite.any():
        index = tuple(np.argwhere(infinite)[0].tolist())
        raise ValueError(
            f"{where}: p is exactly {p[index]:g} at index {index} where target says otherwise, "
            f"an infinite loss. Use {better}, which takes the scores."
        )


def keyword_of(where: str, loss: Callable) -> str:
    """The keyword by which a loss takes what the prediction is compared with: labels or target.

    >>> from nnlib.blocks import softmax
    >>> keyword_of("Training", mse)
    'target'
    >>> keyword_of("Training", softmax)
    Traceback (most recent call last):
    ...
    TypeError: Training: loss must be a block such as nnlib.losses.mse; got softmax.
    """
    try:
        parameters = list(inspect.signature(loss).parameters.values())
    except (TypeError, ValueError):
        parameters = []
    named = [p for p in parameters if p.kind == p.KEYWORD_ONLY]
    target = [p for p in named if p.default is p.empty or p.name in ("labels", "target")]
    due = [p.name for p in target if p.name != "keep"]
    contract = getattr(loss, "contract", None)
    if len(due) != 1 or (contract and contract.output):
        got = getattr(loss, "__name__", repr(loss))
        raise TypeError(f"{where}: loss must be a block such as nnlib.losses.mse; got {got}.")
    return due[0]


def require_keep(where: str, loss: Callable) -> None:
    """Refuse a loss that has no keyword by which to leave positions out.

    >>> require_keep("Training", mse)
    Traceback (most recent call last):
    ...
    TypeError: Training: keep is for a loss that takes it, as softmax_cross_entropy does; got mse.
    """
    if "keep" not in inspect.signature(loss).parameters:
        got = getattr(loss, "__name__", repr(loss))
        raise TypeError(
            f"{where}: keep is for a loss that takes it, as softmax_cross_entropy does; got {got}."
        )
