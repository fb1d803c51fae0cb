"""What lesson 04 measures: rules under given gradients, on a quadratic, and on the digits."""

from collections.abc import Callable
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from nnlib.checks import Array, number, whole_number
from nnlib.data import load_digits, scale
from nnlib.landscapes import Landscape
from nnlib.losses import softmax_cross_entropy
from nnlib.mlp import MLP
from nnlib.optimizers import Optimizer, Schedule
from nnlib.parameters import parameter_vector
from nnlib.training import Training

# -- A rule under given gradients -----------------------------------------------------------------


def moves(
    rule: Callable[..., Optimizer],
    gradients: Array,
    *,
    schedule: Schedule | None = None,
    **settings: Any,
) -> Array:
    """What a rule subtracts at each step, whatever the parameters, for gradients given in advance.

    Shapes   gradients (steps,) or (steps, n) -> the same

    >>> from nnlib.optimizers import Momentum
    >>> moves(Momentum, np.ones(3), lr=1.0, momentum=0.5)
    array([1.  , 1.5 , 1.75])
    """
    gradients = np.asarray(gradients, float)
    theta = np.zeros(gradients[0].size)
    optimizer, moved = rule(theta, **settings), []
    for step, g in enumerate(gradients.reshape(-1, theta.size)):
        if schedule is not None:
            optimizer.lr = schedule(step)
        before = theta.copy()
        optimizer.step(g)
        moved.append(before - theta)
    return np.reshape(moved, gradients.shape)


# -- On a quadratic -------------------------------------------------------------------------------


def shrinking(curvature: Any, rate: Any, momentum: Any = 0.0) -> Array:
    """By what a step multiplies the distance along a direction of this curvature, in the long run.

    Momentum makes of it r² - (1 + ρ - ηλ) r + ρ = 0; this is the larger root's size.

    Source   A-4.1-momentum, A-2-step.

    >>> shrinking(100.0, np.array([0.01, 0.02])), shrinking(1.0, 1.0, 0.25).round(6)
    (array([0., 1.]), np.float64(0.5))
    """
    curvature, rate, momentum = np.broadcast_arrays(curvature, rate, momentum)
    half = (1 + momentum - rate * curvature) / 2
    apart = np.sqrt(half**2 - momentum + 0j)
    return np.maximum(np.abs(half + apart), np.abs(half - apart))


def turned(landscape: Landscape, degrees: float) -> Landscape:
    """The same landscape, turned around the origin and seen through the same window.

    >>> from nnlib.landscapes import bowl
    >>> ground = turned(bowl(100), 90)
    >>> ground.gradient(np.array([1.0, 1.0])).round(6)
    array([100.,   1.])
    """
    turn = np.radians(degrees)
    out = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    back = lambda p: np.tensordot(out.T, p, 1)
    return landscape._replace(
        value=lambda p: landscape.value(back(p)),
        gradient=lambda p: np.tensordot(out, landscape.gradient(back(p)), 1),
        minima=out @ landscape.minima,
    )


class LearnedRate(NamedTuple):
    """Gradient descent that learns its rate: path (steps + 1, 2) and the rates used (steps,)."""

    path: Array
    rates: Array


def learned_rate(
    landscape: Landscape, start: Array, rate: float, *, share: float, steps: int
) -> LearnedRate:
    """Raise the rate while gradients agree, and lower it when they turn: η ← η (1 + share cos).

    cos is that of the angle between this gradient and the last one, since dL/dη = -g·g_last; so the
    rate changes by a share of itself, at most.

    Errors   ValueError for a rate that is not positive, a share outside [0, 1) or steps < 1.
    Source   A-2-learnstep.

    >>> from nnlib.landscapes import bowl
    >>> learned_rate(bowl(1), np.array([8.0, 0.0]), 0.25, share=0.5, steps=3).rates
    array([0.25  , 0.375 , 0.5625])
    """
    rate = number("learned_rate", "rate", rate, "(0, inf)")
    share = number("learned_rate", "share", share, "[0, 1)")
    p = np.asarray(start, float)
    path, rates, last = [p], np.empty(whole_number("learned_rate", "steps", steps, low=1)), 0 * p
    for step in range(steps):
        g = landscape.gradient(p)
        lengths = np.linalg.norm(g) * np.linalg.norm(last)
        rate *= 1 + share * float(g @ last / lengths) if lengths else 1.0
        p, last, rates[step] = p - rate * g, g, rate
        path.append(p)
    return LearnedRate(np.array(path), rates)


# -- On the digits --------------------------------------------------------------------------------


@lru_cache(maxsize=1)
def small_digits() -> tuple[Array, Array]:
    """The bundled digits to train on: rows of 64 pixels in [0, 1], and their labels."""
    digits = load_digits()
    return scale(digits.x_train, np.float64, white=16), digits.labels_train


def loss_on_digits(
    rule: Callable[..., Optimizer],
    lr: float,
    *,
    seed: int,
    steps: int = 150,
    schedule: Schedule | None = None,
    **settings: Any,
) -> float:
    """The loss on all digits after so many steps in batches of 100; inf for a run that diverges.

    The network is 64 → 30 → 10 with ReLU. The seed draws its first weights and the batches, the
    same for every rule.

    >>> from nnlib.optimizers import Adam
    >>> loss_on_digits(Adam, 0.01, seed=0, steps=50) < 1
    True
    """
    x, labels = small_digits()
    model = MLP(64, 30, 10, rng=seed, dtype="float64")
    optimizer = rule(parameter_vector(model)[0], lr=lr, **settings)
    run = Training(
        model, softmax_cross_entropy, optimizer, x, labels,
        batch_size=100, seed=seed, schedule=schedule,
    )  # fmt: skip
    try:
        run.run(steps)
    except FloatingPointError:
        return float("inf")
    return softmax_cross_entropy(model(x)[0], labels=labels)[0]
