"""Gradient descent with momentum on a quadratic, in closed form: how fast, or whether at all.

Along an eigenvector of curvature c, a step is a matrix on (θ, v). Its eigenvalues are the roots of
z² - trace z + determinant, and the larger of their sizes is what is left of the distance a step.
"""

from typing import Any, NamedTuple

import numpy as np

from nnlib.checks import Array, number


def characteristic(
    lr: Any, momentum: Any, curvature: Any, *, form: str, nesterov: bool
) -> tuple[Any, Any]:
    """Trace and determinant of a step along an eigenvector of this curvature."""
    pull = lr * curvature * ((1 - momentum) if form == "ema" else 1)
    if nesterov:
        return (1 + momentum) * (1 - pull), momentum * (1 - pull)
    return 1 + momentum - pull, momentum + 0 * pull


def contraction(
    lr: Any,
    momentum: Any,
    *,
    curvatures: Any,
    form: str = "standard",
    nesterov: bool = False,
) -> Any:
    """What is left of the distance after each step in the long run; from 1 on, it diverges.

    It is the spectral radius of a step, the largest over all curvatures.

    Shapes   lr and momentum broadcast: (...), (...) -> (...)
    Source   A-4.1-momentum; v ← ρ v + g, θ ← θ - lr v has trace 1 + ρ - lr c and determinant ρ.

    >>> contraction(0.5, 0.0, curvatures=[1.0])
    np.float64(0.5)
    >>> contraction(np.array([1.9, 2.1]), 0.0, curvatures=[1.0]).round(3)
    array([0.9, 1.1])
    """
    lr, momentum = np.asarray(lr, float)[..., None], np.asarray(momentum, float)[..., None]
    curvatures = np.asarray(curvatures, float)
    trace, determinant = characteristic(lr, momentum, curvatures, form=form, nesterov=nesterov)
    root = np.sqrt((trace**2 - 4 * determinant).astype(complex))
    return np.maximum(np.abs(trace + root), np.abs(trace - root)).max(axis=-1) / 2


class Best(NamedTuple):
    """The rate and the momentum of the smallest contraction, and that contraction."""

    lr: float
    momentum: float
    contraction: float


def best(kappa: float, *, momentum: bool = True) -> Best:
    """The best that gradient descent can do on curvatures from 1 to κ, with momentum or without.

    Without, lr = 2 / (1 + κ) leaves (κ - 1) / (κ + 1); with it, √κ stands for κ in what is left.

    >>> best(25.0)
    Best(lr=0.1111111111111111, momentum=0.4444444444444444, contraction=0.6666666666666666)
    >>> round(best(25.0, momentum=False).contraction, 3)
    0.923
    """
    kappa = number("best", "kappa", kappa, "[1, inf)")
    if not momentum:
        return Best(2 / (1 + kappa), 0.0, (kappa - 1) / (kappa + 1))
    left = (np.sqrt(kappa) - 1) / (np.sqrt(kappa) + 1)
    return Best(float(4 / (1 + np.sqrt(kappa)) ** 2), float(left**2), float(left))


class Phases(NamedTuple):
    """The phase diagram of momentum on a ravine: for every rate and momentum what is left a step.

    contraction   (momenta, rates); from 1 on it diverges.
    swings        (momenta, rates): whether the steepest direction is crossed again and again.
    """

    rates: Array
    momenta: Array
    contraction: Array
    swings: Array


def phases(
    kappa: float, *, form: str = "standard", nesterov: bool = False, points: int = 61
) -> Phases:
    """The diagram for curvatures 1 and κ: rates from a hundredth of the largest that can hold on.

    >>> found = phases(25.0)
    >>> found.contraction.shape, bool((found.contraction[0] < 1)[found.rates < 0.08].all())
    ((61, 61), True)
    """
    kappa = number("phases", "kappa", kappa, "[1, inf)")
    momenta = np.linspace(0, 0.99, points)
    widest = 4 / kappa / (1 - momenta[-1] if form == "ema" else 1)
    rates = np.geomspace(widest / 400, 1.25 * widest, points)
    grid = rates[None, :], momenta[:, None]
    switches: dict[str, Any] = {"form": form, "nesterov": nesterov}
    left = contraction(*grid, curvatures=[1, kappa], **switches)
    trace, determinant = characteristic(*grid, kappa, **switches)
    return Phases(rates, momenta, left, (trace**2 < 4 * determinant) | (trace < 0))
