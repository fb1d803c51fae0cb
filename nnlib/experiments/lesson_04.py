"""What lesson 04 measures: rules under given gradients, in a turned landscape, on the digits."""

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from nnlib.checks import Array
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


# -- Windows of rates ------------------------------------------------------------------------------


def rates_below(bound: float, rates: Sequence[float], losses: Array) -> Array:
    """The least and the largest rate at which the mean loss lies below a bound.

    Between the rates that were tried the loss is a straight line, as a picture with logarithms
    along both axes shows it.

    Shapes   losses (rates, seeds) -> (2,)
    Errors   ValueError for a bound that no mean loss lies below.

    >>> rates_below(0.1, [0.01, 0.1, 1.0], np.array([[1.0], [0.01], [1.0]])).round(3)
    array([0.032, 0.316])
    """
    fine = np.geomspace(rates[0], rates[-1], 2001)
    means = np.interp(np.log(fine), np.log(rates), np.log(np.mean(losses, axis=1)))
    below = fine[means < np.log(bound)]
    if not below.size:
        least = np.exp(means.min())
        must = f"rates_below: bound must be above the least mean loss, {least:.3g}"
        raise ValueError(f"{must}; got {bound!r}.")
    return below[[0, -1]]


# -- In a turned landscape ------------------------------------------------------------------------


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


# -- On the digits --------------------------------------------------------------------------------


@lru_cache(maxsize=1)
def small_digits() -> tuple[Array, Array]:
    """The bundled digits to train on: rows of 64 pixels in [0, 1], and their labels."""
    digits = load_digits()
    return scale(digits.x_train, np.float64, white=16), digits.labels_train


@lru_cache(maxsize=1024)  # several sections of the lesson ask for the same runs
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
