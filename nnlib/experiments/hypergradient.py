"""A learning rate that is learned: the derivative of the loss f along the rate, and its descent."""

from typing import Any, NamedTuple

import numpy as np

from nnlib.checks import Array, number, whole_number
from nnlib.landscapes import Landscape


def rate_slope(landscape: Landscape, p: Array, lr: float) -> float:
    """df/dη of one step of gradient descent: f(p - η g(p)) has the slope -g(new) · g(p).

    By the chain rule, for the new place moves by -g(p) for each unit of η.

    Source   A-2-learnstep, which promises it.

    >>> from nnlib.landscapes import bowl
    >>> rate_slope(bowl(1), np.array([2.0, 0.0]), 0.5)
    -2.0
    """
    g = landscape.gradient(p)
    return float(-landscape.gradient(p - lr * g) @ g)


class Learned(NamedTuple):
    """Gradient descent that learns its rate.

    path     (steps + 1, 2), the start first.
    rates    (steps,) the rate of each step.
    slopes   (steps,) df/dη, the hypergradient, by which the rate of each step was set; 0 at first.
    """

    path: Array
    rates: Array
    slopes: Array


def learned_rate(
    landscape: Landscape, start: Any, *, lr: float, hyper_lr: float, steps: int
) -> Learned:
    """θ ← θ - η g, with η ← η - hyper_lr df/dη first, where df/dη = -g · g_before.

    The rate grows while successive gradients agree, and falls when they turn against each other
    (Almeida et al. 1998; Baydin et al. 2018).

    Source   A-2-learnstep.

    >>> from nnlib.landscapes import bowl
    >>> found = learned_rate(bowl(1), (2.0, 0.0), lr=0.1, hyper_lr=0.01, steps=3)
    >>> found.rates.round(4), found.slopes.round(4)
    (array([0.1  , 0.136, 0.164]), array([ 0.    , -3.6   , -2.7994]))
    """
    lr = number("learned_rate", "lr", lr, "[0, inf)")
    hyper_lr = number("learned_rate", "hyper_lr", hyper_lr, "[0, inf)")
    path, rates, slopes = [np.asarray(start, float)], [], []
    before = np.zeros_like(path[0])
    for _ in range(whole_number("learned_rate", "steps", steps, low=1)):
        g = landscape.gradient(path[-1])
        slopes.append(float(-g @ before))
        lr, before = lr - hyper_lr * slopes[-1], g
        rates.append(lr)
        path.append(path[-1] - lr * g)
    return Learned(np.array(path), np.array(rates), np.array(slopes))


def gradient_left(landscape: Landscape, found: Learned) -> float:
    """The share of the first gradient's length that is left where the rate comes to stand.

    That is from where on it stays within a hundredth of its last value.

    >>> from nnlib.landscapes import bowl
    >>> found = learned_rate(bowl(1), (2.0, 0.0), lr=0.1, hyper_lr=0.1, steps=30)
    >>> round(gradient_left(bowl(1), found), 2)
    0.18
    """
    moving = np.flatnonzero(np.abs(found.rates / found.rates[-1] - 1) > 0.01)
    stands = moving[-1] + 1 if moving.size else 0
    first, left = (np.linalg.norm(landscape.gradient(found.path[k])) for k in (0, stands))
    return float(left / first)
