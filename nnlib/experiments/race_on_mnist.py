"""The race of all rules on MNIST, as its stored table tells it."""

from typing import NamedTuple

import numpy as np

from nnlib.checks import Array
from nnlib.experiments.stored import stored

MEASURES = (
    "accuracy on those held back, rate",
    "training loss at its best rate, steps",
    "test accuracy, best rate",
    "share of seeds ahead of ",
)


class Arm(NamedTuple):
    """What an arm of the race tried and reached: means over the seeds, and how far these lie apart.

    rates, tried    every rate, and the accuracy there on the images that choose.
    best            the rate that was chosen.
    steps, losses   the training loss at that rate: the mean of the steps up to each of these.
    test, spread    the accuracy on the test images at that rate.
    ahead           by each other arm, with what share of the seeds this one was the better in the
                    test: a seed has the same first weights and batches for all.
    """

    rates: Array
    tried: Array
    best: float
    steps: Array
    losses: Array
    test: float
    spread: float
    ahead: dict[str, float]


def race_on_mnist() -> dict[str, Arm]:
    """The arms by their names; ``python -m benchmarks.race_04`` holds the race anew.

    >>> arms = race_on_mnist()
    >>> arms["Adam"].tried.shape, arms["Adam"].best in arms["Adam"].rates
    ((10,), True)
    """
    rows = stored("04_race")
    return {arm: arm_of([row for row in rows if row["arm"] == arm]) for arm in
            dict.fromkeys(row["arm"] for row in rows)}  # fmt: skip


def arm_of(rows: list[dict[str, str]]) -> Arm:
    """An arm from its rows."""
    tried, losses, (test,), ahead = (
        [row for row in rows if row["measure"].startswith(start)] for start in MEASURES
    )
    last = lambda row: float(row["measure"].split()[-1])
    means = lambda some: np.array([float(row["mean"]) for row in some])
    return Arm(
        np.array([last(row) for row in tried]),
        means(tried),
        last(test),
        np.array([last(row) for row in losses]),
        means(losses),
        float(test["mean"]),
        float(test["spread"]),
        {row["measure"].removeprefix(MEASURES[-1]): float(row["mean"]) for row in ahead},
    )
